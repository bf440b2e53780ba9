#!/usr/bin/env python3
"""Tells Slack of status changes that Debezium wrote to Kafka: the script that tutorials end with, and that many companies run.

  consumer.py BROKERS TOPIC SLACK_API [--retry]

Written as they are, not as one should: offsets are committed by a timer, a message that Slack refuses is printed and forgotten. With
--retry the client waits as long as Slack says and tries again, which Slack's SDK does only when asked.
"""
import json, sys

from kafka import KafkaConsumer
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

brokers, topic, slack_api, *options = sys.argv[1:]

consumer = KafkaConsumer(topic, bootstrap_servers=brokers, auto_offset_reset="earliest", enable_auto_commit=True, group_id=topic)
client = WebClient(token="xoxb-consumer", base_url=slack_api)
if "--retry" in options:
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1000))

for message in consumer:
    if message.value is None:  # a tombstone
        continue
    event = json.loads(message.value)
    event = event.get("payload", event)
    before, after = event["before"], event["after"]
    if event["op"] != "u" or before["status"] == after["status"]:
        continue
    text = (f"Transaction {after['transaction_id']} changed from {before['status']} to {after['status']}: "
            f"{after['amount']} {after['currency']} at {after['merchant_name']}")
    try:
        client.chat_postMessage(channel=after["channel"], text=text)
    except SlackApiError as error:
        print(f"Slack said {error.response['error']}", flush=True)
