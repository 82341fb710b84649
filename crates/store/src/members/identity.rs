//! The columns of a member's identity.

use diesel::{QueryableByName, pg::Pg};
use rollcall_domain::{Email, directory::Identity};

use crate::schema::members;

/// The columns of a member that the identity provider owns.
#[derive(QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
pub(crate) struct IdentityColumns {
    email: String,
    given_name: String,
    family_name: String,
    job_title: String,
    manager_email: Option<String>,
}

impl From<IdentityColumns> for Identity {
    fn from(columns: IdentityColumns) -> Self {
        Self {
            email: Email::trusted(columns.email),
            given_name: columns.given_name,
            family_name: columns.family_name,
            job_title: columns.job_title,
            manager_email: columns.manager_email.map(Email::trusted),
        }
    }
}
