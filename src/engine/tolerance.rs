//! `errors.tolerance` and `errors.log.enable`: records that fail are left out, or stop the connector
//! (`RetryWithToleranceOperator`, `LogReporter`).

use crate::config::connector::ErrorOptions;

pub(super) struct Tolerance {
    tolerates: bool,
    logs: bool,
    left_out: u64,
}

impl Tolerance {
    pub(super) fn new(options: ErrorOptions) -> Self {
        Self {
            tolerates: options.tolerate,
            logs: options.log_tolerated,
            left_out: 0,
        }
    }

    /// Whether records are left out at all.
    pub(super) fn tolerates(&self) -> bool {
        self.tolerates
    }

    /// How many records were left out.
    #[cfg(test)]
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Counts and logs a record that is left out because of `error`.
    pub(super) fn leave_out(&mut self, error: &dyn std::error::Error) {
        self.left_out += 1;
        let cause = error.source().map(ToString::to_string);
        if self.logs {
            tracing::error!(%error, cause, "a record is left out");
        } else if self.left_out == 1 {
            let hint = "errors.log.enable=true shows the next ones";
            tracing::warn!(%error, cause, hint, "a record is left out");
        }
    }
}
