//! One address for schemas that are equal, where each record makes its own.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::config::connector::DecimalFormat;
use crate::connect::json;
use crate::connect::schema::Schema;

/// Documents of more shapes than this are no stream of one kind.
const CAPACITY: usize = 1000;

#[derive(Default)]
pub(super) struct KnownSchemas {
    /// By how JSON shows them, which leaves nothing out.
    by_text: FxHashMap<Vec<u8>, Arc<Schema>>,
}

impl KnownSchemas {
    pub(super) fn shared(&mut self, schema: Schema) -> Arc<Schema> {
        let mut text = Vec::new();
        json::write_schema(&schema, None, DecimalFormat::Base64, &mut text);
        if self.by_text.len() >= CAPACITY && !self.by_text.contains_key(&text) {
            self.by_text.clear();
        }
        let known = self.by_text.entry(text).or_insert_with(|| Arc::new(schema));
        Arc::clone(known)
    }
}
