//! Whether the Kafka brokers answer.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::finding::{Finding, Status};

/// Asks the brokers for the cluster's metadata. It blocks for up to ten seconds.
pub(super) fn judge(bootstrap_servers: Option<&str>) -> Finding {
    const SUBJECT: &str = "kafka";
    const TIMEOUT: Duration = Duration::from_secs(10);
    let Some(servers) = bootstrap_servers else {
        return Finding::new(Status::Info, SUBJECT, "not asked")
            .mend("give --bootstrap-servers HOST:PORT");
    };
    let metadata = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .create::<BaseConsumer>()
        .and_then(|client| client.fetch_metadata(None, TIMEOUT));
    match metadata {
        Ok(metadata) => {
            let (brokers, topics) = (metadata.brokers().len(), metadata.topics().len());
            let text = format!("{servers} answers: {brokers} brokers, {topics} topics");
            Finding::new(Status::Ok, SUBJECT, text)
        }
        Err(error) => {
            let text = format!("{servers} does not answer within 10 s: {error}");
            Finding::new(Status::Fail, SUBJECT, text)
                .mend("bootstrap.servers: addresses that are reachable from this machine, also as the brokers advertise them")
        }
    }
}
