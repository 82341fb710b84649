//! The store's errors. This is the only file that converts database errors: by their kind and constraint name.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as Diesel};
use rollcall_domain::OrganizationId;

/// The constraint that keeps organizations' ids unique.
pub const ORGANIZATIONS_PKEY: &str = "organizations_pkey";

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No organization has this id.
    #[error("there is no organization `{0}`")]
    OrganizationNotFound(OrganizationId),
    /// The row violates a unique constraint.
    #[error("the row exists already: {constraint}")]
    Exists {
        /// The name of the constraint, without the suffix of a shard.
        constraint: &'static str,
    },
    /// The job's run has lost its lease to another process, so nothing was written.
    #[error("the run has lost its lease")]
    FenceLost,
    /// Another transaction holds the organization's lock, and the caller chose not to wait.
    #[error("another transaction holds the lock of the organization")]
    Busy,
    /// Other writes have held the organization's lock for as long as a write may wait. Nothing was written.
    #[error("other writes have locked the organization `{0}` for too long")]
    LockTimeout(OrganizationId),
    /// As many writes of the organization wait for its lock as may. Nothing was written.
    #[error("too many writes of the organization `{0}` wait")]
    QueueFull(OrganizationId),
    /// As many streams are open as may, in all or for this organization.
    #[error("too many streams are open, in all or for the organization `{0}`")]
    TooManyStreams(OrganizationId),
    /// The transaction conflicted with another one each time that it ran.
    #[error("the transaction could not be serialized")]
    Serialization(#[source] Diesel),
    /// The database cannot be reached, or the connection was lost.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored value is not valid, or a statement violates an integrity constraint. The data of the organization or a bug
    /// is the cause, not the state of the server, so the same attempt fails again.
    #[error("stored rows are not valid")]
    InvalidData(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement failed for any other reason: the state of the server, such as a full disk or a cancelled statement, or
    /// a bug.
    #[error("the database refused a statement")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The error for a stored value that is not valid.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::InvalidData(what.into().into())
    }

    /// Returns the function that converts an error of a statement and keeps the statement's name, for the log.
    pub(crate) fn of_statement(name: &'static str) -> impl Fn(Diesel) -> Self {
        move |source| Self::convert(source, |source| StatementError { name, source }.into())
    }

    /// Converts an error of the database. `wrap` returns the cause that the error keeps.
    fn convert(error: Diesel, wrap: impl FnOnce(Diesel) -> Box<dyn std::error::Error + Send + Sync>) -> Self {
        use DatabaseErrorKind as Kind;
        match &error {
            Diesel::DatabaseError(kind, information) => match kind {
                Kind::SerializationFailure => Self::Serialization(error),
                // After a failover the former primary is read-only.
                Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction => {
                    Self::Unavailable(wrap(error))
                }
                Kind::UniqueViolation | Kind::Unknown
                    if violated_constraint(information.as_ref()) == Some(ORGANIZATIONS_PKEY) =>
                {
                    Self::Exists { constraint: ORGANIZATIONS_PKEY }
                }
                Kind::UniqueViolation
                | Kind::ForeignKeyViolation
                | Kind::NotNullViolation
                | Kind::CheckViolation
                | Kind::RestrictViolation
                | Kind::ExclusionViolation => Self::InvalidData(wrap(error)),
                Kind::Unknown if is_lost_worker(information.message()) => Self::Unavailable(wrap(error)),
                _ => Self::Internal(wrap(error)),
            },
            Diesel::BrokenTransactionManager => Self::Unavailable(wrap(error)),
            Diesel::DeserializationError(_) => Self::InvalidData(wrap(error)),
            _ => Self::Internal(wrap(error)),
        }
    }
}

/// A named statement failed.
#[derive(Debug, thiserror::Error)]
#[error("statement `{name}`")]
struct StatementError {
    name: &'static str,
    source: Diesel,
}

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        Self::convert(error, Into::into)
    }
}

/// Returns the name of the violated unique constraint, without the suffix of a shard.
///
/// On a Citus cluster, an error of a shard has no constraint name, and not always the SQLSTATE: the name is only in the
/// message, as in `duplicate key value violates unique constraint "organizations_pkey_102019"`.
fn violated_constraint(information: &dyn DatabaseErrorInformation) -> Option<&str> {
    let in_message =
        || information.message().split_once(" unique constraint \"")?.1.split_once('"').map(|(name, _)| name);
    let name = information.constraint_name().or_else(in_message)?;
    let is_shard = |number: &str| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    match name.rsplit_once('_') {
        Some((table_constraint, number)) if is_shard(number) => Some(table_constraint),
        _ => Some(name),
    }
}

/// Whether the coordinator of a Citus cluster reports that it cannot reach a worker. diesel does not pass the SQLSTATE
/// on, and these messages are in English whatever the language of the server is. After the last one, which answers a
/// COMMIT, the transaction may have been committed.
fn is_lost_worker(message: &str) -> bool {
    [
        "connection to the remote node ",
        "connection establishment for node ",
        "could not establish any connections to the node ",
        "could not commit transaction for shard ",
    ]
    .iter()
    .any(|start| message.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message and the constraint of an error, as a server has sent them.
    struct Recorded(&'static str, Option<&'static str>);

    impl DatabaseErrorInformation for Recorded {
        fn message(&self) -> &str {
            self.0
        }
        fn details(&self) -> Option<&str> {
            None
        }
        fn hint(&self) -> Option<&str> {
            None
        }
        fn table_name(&self) -> Option<&str> {
            None
        }
        fn column_name(&self) -> Option<&str> {
            None
        }
        fn constraint_name(&self) -> Option<&str> {
            self.1
        }
        fn statement_position(&self) -> Option<i32> {
            None
        }
    }

    fn convert(kind: DatabaseErrorKind, message: &'static str, constraint: Option<&'static str>) -> String {
        let error = Error::from(Diesel::DatabaseError(kind, Box::new(Recorded(message, constraint))));
        match error {
            Error::Exists { constraint } => format!("exists {constraint}"),
            Error::Unavailable(_) => "unavailable".to_owned(),
            Error::InvalidData(_) => "invalid data".to_owned(),
            Error::Internal(_) => "internal".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// Written as Postgres 15 words them.
    #[test]
    fn errors_of_postgres_are_converted() {
        use DatabaseErrorKind::{ForeignKeyViolation, UniqueViolation};
        let duplicate = "duplicate key value violates unique constraint \"organizations_pkey\"";
        assert_eq!(convert(UniqueViolation, duplicate, Some("organizations_pkey")), "exists organizations_pkey");
        // In another language, only the field is certain to name the constraint.
        let german = "doppelter Schl\u{fc}sselwert verletzt Unique-Constraint \u{bb}organizations_pkey\u{ab}";
        assert_eq!(convert(UniqueViolation, german, Some("organizations_pkey")), "exists organizations_pkey");
        let other = "duplicate key value violates unique constraint \"settings_pkey\"";
        assert_eq!(convert(UniqueViolation, other, Some("settings_pkey")), "invalid data");
        let key = "insert or update on table \"groups\" violates foreign key constraint \"groups_organization\"";
        assert_eq!(convert(ForeignKeyViolation, key, Some("groups_organization")), "invalid data");
    }

    /// Recorded from Citus 13.2.2 on Postgres 15: a coordinator, two workers, one of which was stopped.
    #[test]
    fn errors_of_a_citus_cluster_are_converted() {
        use DatabaseErrorKind::{ForeignKeyViolation, UniqueViolation, Unknown};
        let recorded = [
            (
                UniqueViolation,
                "duplicate key value violates unique constraint \"organizations_pkey_102019\"",
                "exists organizations_pkey",
            ),
            // Rows of INSERT ... SELECT are copied to the shard. Their errors have the SQLSTATE XX000.
            (
                Unknown,
                "duplicate key value violates unique constraint \"organizations_pkey_102019\"",
                "exists organizations_pkey",
            ),
            (Unknown, "duplicate key value violates unique constraint \"groups_pkey_102179\"", "internal"),
            (
                ForeignKeyViolation,
                "insert or update on table \"groups_102188\" violates foreign key constraint \"groups_organization_102188\"",
                "invalid data",
            ),
            (
                Unknown,
                "connection to the remote node postgres@127.0.0.1:9712 failed with the following error: Connection refused",
                "unavailable",
            ),
            (
                Unknown,
                "connection to the remote node postgres@127.0.0.1:9712 failed with the following error: connection not open",
                "unavailable",
            ),
            (Unknown, "could not commit transaction for shard 102021 on at least one active node", "unavailable"),
            (Unknown, "could not run distributed query with FOR UPDATE/SHARE commands", "internal"),
        ];
        for (kind, message, expected) in recorded {
            assert_eq!(convert(kind, message, None), expected, "{message}");
        }
    }
}
