//! pgoutput messages: any bytes, with the first one saying whether a streamed transaction is open.
#![no_main]

use libfuzzer_sys::fuzz_target;
use walstreet::postgres::pgoutput::{decode, encode};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, message)) = bytes.split_first() else {
        return;
    };
    let streaming = first & 1 == 1;
    let Ok(decoded) = decode(message, streaming) else {
        return;
    };
    let mut encoded = Vec::new();
    encode(&decoded, &mut encoded);
    assert_eq!(decode(&encoded, streaming).as_ref(), Ok(&decoded));
});
