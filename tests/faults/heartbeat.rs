//! Heartbeats, which nothing that is captured has to wake.

use super::Stage;
use crate::support::eventually;

const HEARTBEATS: &str = "__debezium-heartbeat.srv";

impl Stage {
    fn assert_heart_beats(&self, while_what: &str) {
        let before = self.broker.count(HEARTBEATS);
        eventually(
            || format!("two heartbeats {while_what}"),
            || (self.broker.count(HEARTBEATS) >= before + 2).then_some(()),
        );
    }
}

#[test]
fn it_beats_without_wal_and_after_changes_and_transactions_that_hold_nothing_captured() {
    let mut stage = Stage::set(&[(HEARTBEATS, 1)]);
    stage
        .database
        .sql("CREATE SCHEMA other; CREATE TABLE other.busy (id int)");
    stage.connector.set("heartbeat.interval.ms", "200");
    let running = stage.connector.start_streaming();
    stage.assert_heart_beats("on an idle server");
    let snapshot = stage.broker.count(super::numbers::TOPIC);
    for (sql, what) in [
        (
            "INSERT INTO other.busy VALUES (1)",
            "after a change of a table that is not captured",
        ),
        (
            "CREATE TABLE other.second ()",
            "after a transaction without a change",
        ),
    ] {
        stage.database.sql(sql);
        let written = stage.current();
        stage.assert_heart_beats(what);
        eventually(
            || format!("a confirmation {what}"),
            || (stage.confirmed() >= written).then_some(()),
        );
    }
    assert_eq!(stage.broker.count(super::numbers::TOPIC), snapshot);
    running.terminate().expect(0, &["stopping"]);
}

/// Debezium starts again and again when the table of the query is gone.
#[test]
fn an_action_query_that_fails_is_logged_and_the_heart_goes_on() {
    let mut stage = Stage::set(&[(HEARTBEATS, 1)]);
    stage
        .connector
        .set("heartbeat.interval.ms", "200")
        .set("heartbeat.action.query", "INSERT INTO gone VALUES (1)");
    let mut running = stage.connector.start_streaming();
    running.wait_for_log("heartbeat.action.query failed");
    stage.assert_heart_beats("after the query failed");
    running.terminate().expect(0, &["stopping"]);
}
