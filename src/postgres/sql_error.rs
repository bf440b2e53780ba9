//! Which SQL failures pass by themselves.

/// Whether the same statement can succeed later, unchanged.
///
/// Debezium retries every `SQLException` but class 28, authentication (`PostgresErrorHandler`). A missing privilege and a
/// missing database do not pass by themselves either.
#[must_use]
pub fn is_retriable(error: &tokio_postgres::Error) -> bool {
    let Some(state) = error.code() else {
        return true;
    };
    let code = state.code();
    !(code.starts_with("28") || code.starts_with("3D") || code == "42501")
}
