//! Judgements over the server, the user, the slot and the connection. Pure.

use super::facts::ServerFacts;
use super::finding::{Finding, Status};
use crate::config::connector::SlotConfig;
use crate::postgres::quote;
use crate::postgres::slot;

/// Everything that is wrong, or right, whatever the tables are.
pub fn judge(facts: &ServerFacts, config: &SlotConfig) -> Vec<Finding> {
    let mut findings = vec![
        version(facts),
        wal_level(facts),
        role(facts),
        slot_state(facts, config),
        senders(facts),
        wal_keep(facts),
        sender_timeout(facts, config),
    ];
    findings.extend(pooler(facts));
    findings
}

fn version(facts: &ServerFacts) -> Finding {
    let place = if facts.server.in_recovery {
        ", a standby"
    } else {
        ""
    };
    let text = format!("PostgreSQL {}{place}", facts.server.version_text);
    let major = facts.server.version / 10_000;
    if major < 14 {
        let text = format!("{text}: logical messages in the stream need version 14 or later");
        return Finding::new(Status::Fail, "server", text);
    }
    if major > 18 {
        let text = format!("{text}: newer than what is tested, 14 to 18");
        return Finding::new(Status::Warn, "server", text);
    }
    if facts.server.in_recovery && major < 16 {
        let text = format!("{text}: a standby can decode since version 16, connect to the primary");
        return Finding::new(Status::Fail, "server", text);
    }
    Finding::new(Status::Ok, "server", text)
}

fn wal_level(facts: &ServerFacts) -> Finding {
    let found = &facts.replication.wal_level;
    if facts.replication.check_wal_level().is_ok() {
        return Finding::new(Status::Ok, "wal_level", "logical");
    }
    let text = format!("is \"{found}\", logical decoding needs \"logical\"");
    let finding = Finding::new(Status::Fail, "wal_level", text);
    if facts.server.is_rds {
        finding.mend("set rds.logical_replication = 1 in the parameter group, then reboot")
    } else {
        finding.mend("ALTER SYSTEM SET wal_level = 'logical'; -- then restart the server")
    }
}

fn role(facts: &ServerFacts) -> Finding {
    let role = &facts.role;
    let name = quote::identifier(&role.name);
    match (role.can_replicate(), role.can_login) {
        (true, true) => {
            let text = format!("{name} may log in and replicate");
            Finding::new(Status::Ok, "role", text)
        }
        (false, _) if facts.server.is_rds => {
            let text = format!("{name} may not replicate");
            Finding::new(Status::Fail, "role", text)
                .mend(format!("GRANT rds_replication TO {name};"))
        }
        (false, _) => {
            let text = format!("{name} may not replicate");
            Finding::new(Status::Fail, "role", text).mend(format!("ALTER ROLE {name} REPLICATION;"))
        }
        (true, false) => {
            let text = format!("{name} may not log in, only other roles can become it");
            Finding::new(Status::Fail, "role", text).mend(format!("ALTER ROLE {name} LOGIN;"))
        }
    }
}

fn slot_state(facts: &ServerFacts, config: &SlotConfig) -> Finding {
    const SUBJECT: &str = "slot";
    let name = &config.name;
    let Some(slot) = &facts.slot else {
        return slot_to_create(facts, config);
    };
    if let Err(error) = slot.check(&facts.server.database) {
        let finding = Finding::new(Status::Fail, SUBJECT, error.to_string());
        if !matches!(error, slot::Error::Lost { .. }) {
            return finding.mend("slot.name: another name");
        }
        let literal = quote::literal(name);
        return finding.mend(format!(
            "SELECT pg_drop_replication_slot({literal}); -- then take a new snapshot"
        ));
    }
    let kept = kept_wal(facts);
    if let Some(pid) = slot.active_pid {
        let text = format!(
            "\"{name}\" is in use by process {pid}{kept}: stop the other connector before this one starts"
        );
        return Finding::new(Status::Warn, SUBJECT, text).mend(format!(
            "SELECT application_name, client_addr FROM pg_stat_activity WHERE pid = {pid};"
        ));
    }
    match slot.confirmed_flush_lsn {
        Some(lsn) => Finding::new(
            Status::Ok,
            SUBJECT,
            format!("\"{name}\" exists, confirmed up to {lsn}{kept}"),
        ),
        None => {
            let text = format!(
                "\"{name}\" has no confirmed position yet: a transaction older than the slot is still open"
            );
            Finding::new(Status::Warn, SUBJECT, text)
                .mend("SELECT pid, xact_start FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 5;")
        }
    }
}

fn slot_to_create(facts: &ServerFacts, config: &SlotConfig) -> Finding {
    let settings = &facts.replication;
    let name = &config.name;
    if settings.used_slots >= settings.max_slots {
        let text = format!(
            "\"{name}\" cannot be created, all {} slots are in use",
            settings.max_slots
        );
        return Finding::new(Status::Fail, "slot", text).mend(format!(
            "ALTER SYSTEM SET max_replication_slots = {}; -- then restart the server",
            settings.max_slots + 4
        ));
    }
    let (used, max) = (settings.used_slots, settings.max_slots);
    let text = format!("\"{name}\" will be created, {used} of {max} slots are in use");
    Finding::new(Status::Ok, "slot", text)
}

fn kept_wal(facts: &ServerFacts) -> String {
    match facts.server.retained_bytes {
        Some(bytes) if bytes >= 1 << 20 => format!(", it keeps {} MB of WAL", bytes >> 20),
        Some(_) | None => String::new(),
    }
}

fn senders(facts: &ServerFacts) -> Finding {
    let settings = &facts.replication;
    let (used, max) = (settings.used_senders, settings.max_senders);
    // The connector that is running already has its sender.
    let needs_one = facts
        .slot
        .as_ref()
        .is_none_or(|slot| slot.active_pid.is_none());
    if !settings.has_free_sender() && needs_one {
        let text = format!("all {max} WAL senders are in use");
        return Finding::new(Status::Fail, "wal senders", text).mend(format!(
            "ALTER SYSTEM SET max_wal_senders = {}; -- then restart the server",
            max + 4
        ));
    }
    Finding::new(
        Status::Ok,
        "wal senders",
        format!("{used} of {max} are in use"),
    )
}

fn wal_keep(facts: &ServerFacts) -> Finding {
    const SUBJECT: &str = "max_slot_wal_keep_size";
    match facts.server.max_slot_wal_keep_mb {
        None => {
            let text = "unlimited: while the connector is down WAL is kept until the disk is full";
            Finding::new(Status::Info, SUBJECT, text)
                .mend("ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf(); -- a slot further behind is lost")
        }
        Some(mb) => {
            let text = format!("{mb} MB: a slot further behind is lost and needs a new snapshot");
            let kept = facts.server.retained_bytes.unwrap_or_default() >> 20;
            let status = if kept * 2 > mb {
                Status::Warn
            } else {
                Status::Ok
            };
            Finding::new(status, SUBJECT, format!("{text}{}", kept_wal(facts)))
        }
    }
}

fn sender_timeout(facts: &ServerFacts, config: &SlotConfig) -> Finding {
    const SUBJECT: &str = "wal_sender_timeout";
    let timeout_ms = facts.server.wal_sender_timeout_ms;
    let interval_ms = i64::try_from(config.status_update_interval.as_millis()).unwrap_or(i64::MAX);
    if timeout_ms == 0 {
        let text = "off: after a network cut the server holds the slot until TCP gives up";
        return Finding::new(Status::Info, SUBJECT, text);
    }
    if timeout_ms <= interval_ms.saturating_mul(2) {
        let text = format!(
            "{timeout_ms} ms, but status.update.interval.ms is {interval_ms}: one lost update ends the connection"
        );
        return Finding::new(Status::Warn, SUBJECT, text)
            .mend(format!("status.update.interval.ms: {}", timeout_ms / 3));
    }
    Finding::new(Status::Ok, SUBJECT, format!("{timeout_ms} ms"))
}

/// A direct connection gets a process of its own; we asked it within seconds.
fn pooler(facts: &ServerFacts) -> Option<Finding> {
    const OWN_PROCESS_S: f64 = 30.0;
    let age = facts.server.backend_age_s;
    (age > OWN_PROCESS_S).then(|| {
        let text = format!(
            "the server process is {age:.0} s older than this connection, so a pooler stands between: snapshots need a session of \
             their own, and few poolers pass replication connections on"
        );
        Finding::new(Status::Warn, "pooler", text)
            .mend("database.hostname, database.port: those of the server itself")
    })
}
