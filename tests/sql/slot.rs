//! Slots of a real server.

use walstreet::postgres::slot::{self, Error};

use crate::support::database::Database;

#[tokio::test]
async fn a_slot_is_found_judged_and_dropped() {
    let database = Database::create();
    let client = database.connect().await;
    let name = format!("slot_of_{}", database.name);
    let other = format!("other_of_{}", database.name);
    assert_eq!(
        slot::find(&client, &name, &database.name).await.unwrap(),
        None
    );
    client
        .batch_execute(&format!(
            "SELECT pg_create_logical_replication_slot('{name}', 'pgoutput');
             SELECT pg_create_physical_replication_slot('{other}')"
        ))
        .await
        .unwrap();
    let found = slot::find(&client, &name, &database.name)
        .await
        .unwrap()
        .unwrap();
    let restart = found.restart_lsn.unwrap();
    assert!(found.confirmed_flush_lsn.unwrap() >= restart);
    assert!(slot::check_available(&name, Some(&found), restart).is_ok());
    assert!(found.active_pid.is_none() && !found.lost);
    let elsewhere = slot::find(&client, &name, "elsewhere").await;
    assert!(matches!(elsewhere, Err(Error::OtherDatabase { .. })));
    let physical = slot::find(&client, &other, &database.name).await;
    assert!(matches!(physical, Err(Error::Physical { .. })));
    let settings = slot::load_settings(&client).await.unwrap();
    assert!(settings.check_room().is_ok(), "{settings:?}");
    assert!(settings.used_slots >= 2);
    for name in [&name, &other, &name] {
        slot::drop(&client, name).await.unwrap();
        assert_eq!(slot::load(&client, name).await.unwrap(), None);
    }
}
