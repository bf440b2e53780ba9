"""How late Slack hears of a change: status changes at a steady pace, and the messages that tell of them."""
import os, time

from notifiers import DATABASE
from servers import stolen_seconds
from stack import StackError


class Load:
    """Status changes at a steady pace, told to so many channels in turn."""

    def __init__(self, name, rate, seconds, channels, patience_seconds):
        self.name, self.rate, self.seconds, self.channels, self.patience_seconds = name, rate, seconds, channels, patience_seconds

    @property
    def changes(self):
        return self.rate * self.seconds


class Lateness:
    def __init__(self, stack, slack):
        self.stack, self.slack = stack, slack

    def under(self, load, first, notifier):
        self.slack.reset()
        began, stolen_before = time.monotonic(), stolen_seconds()
        self.stack.psql(f"CALL fail_at_rate({first}, {load.rate}, {load.seconds}, {load.channels})", DATABASE)
        ended_us = time.time() * 1e6
        stolen = (stolen_seconds() - stolen_before) / (time.monotonic() - began) / os.cpu_count()
        self.wait_until_told(load, notifier)
        commits = self.commits(first, load.changes)
        messages = self.slack.told()
        lateness, after_last = match(commits, messages)
        counters = self.slack.counters()
        told_at_end = sum(message.count for message in messages if message.accepted_us <= ended_us)
        return {
            "changes": load.changes, "messages": len(messages), "told": len(lateness), "told_percent": 100 * len(lateness) / load.changes,
            "not_told_at_end_of_load": load.changes - told_at_end,
            "refused": counters["rate_limited"], "duplicates": counters["duplicates"], "stolen_percent": round(100 * stolen, 2),
            **{f"p{percent}_ms": percentile(lateness, percent) for percent in (50, 95, 99)}, "max_ms": percentile(lateness, 100),
            # The last message waits for the end of its window, though no change came any more.
            "after_last_change_ms": percentile(after_last[:-1], 100),
        }

    def wait_until_told(self, load, notifier):
        """Or until it was patient enough, or every change was told or refused and nobody will try again."""
        deadline = time.monotonic() + load.patience_seconds
        while time.monotonic() < deadline:
            # Asking keeps the fake Slack from taking what is on its way.
            time.sleep(0.5)
            notifier.check()
            counters = self.slack.counters()
            if counters["accepted"] + counters["rate_limited"] >= load.changes and notifier.gives_up_when_refused:
                return
            if sum(message.count for message in self.slack.told()) >= load.changes:
                return

    def commits(self, first, count):
        """Channel and commit time of the transactions by their ids, in the order of their commits."""
        rows = self.stack.psql(f"""
            SELECT transaction_id, channel, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
            FROM transactions WHERE transaction_id BETWEEN id_of({first}) AND id_of({first + count - 1}) ORDER BY 3, 1""", DATABASE)
        commits = {}
        for row in rows.splitlines():
            transaction_id, channel, committed_us = row.split("|")
            commits[transaction_id] = (channel, int(committed_us))
        return commits


def match(commits, messages):
    """Milliseconds from each told change's commit to its message; and from the last change of a message to it.

    A digest tells of as many changes as it says: of its channel, in the order of their commits, those not told one by one.
    """
    alone = {message.transaction_id for message in messages}
    waiting = {}
    for transaction_id, (channel, committed_us) in commits.items():
        if transaction_id not in alone:
            waiting.setdefault(channel, []).append(committed_us)
    lateness, after_last, seen = [], [], set()
    for message in messages:
        if message.transaction_id is None:
            queue = waiting.get(message.channel, [])
            told, waiting[message.channel] = queue[:message.count], queue[message.count:]
            if len(told) != message.count:
                raise StackError(f"a digest tells of {message.count} changes, but only {len(told)} were left")
        elif message.transaction_id in commits and message.transaction_id not in seen:
            seen.add(message.transaction_id)
            told = [commits[message.transaction_id][1]]
        else:
            continue  # a repeat
        lateness += [(message.accepted_us - committed_us) / 1000 for committed_us in told]
        after_last.append((message.accepted_us - told[-1]) / 1000)
    return sorted(lateness), after_last


def percentile(values, percent):
    values = sorted(values)
    return round(values[max(0, -(-len(values) * percent // 100) - 1)], 2) if values else None
