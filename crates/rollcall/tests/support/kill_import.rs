//! `rollcall import` of the sample, which waits before each commit for the lock of the revision.

use std::process::{Child, Command, Output, Stdio};

use super::{
    kill_moment::{INSERT_EVENT, Stop},
    kill_server::Server,
};

/// Makes writes wait at their last statement, the audit event.
pub(crate) const WAIT_AT_REVISIONS: &str = "
    CREATE FUNCTION wait_at_revision() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(NEW.revision); RETURN NEW; END $$;
    CREATE TRIGGER wait_at_revision BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION wait_at_revision()";

/// Returns the revision of the organization, or 0 if it does not exist.
pub(crate) const REVISION: &str = "SELECT coalesce(max(revision), 0) FROM organizations";

/// A stop before the commit of a revision.
pub(crate) fn stop_before(revision: i64) -> Stop {
    Stop::locking(INSERT_EVENT, &format!("SELECT pg_advisory_xact_lock({revision})"))
}

/// Starts the import.
pub(crate) fn start(server: &Server) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["import", concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/sample/acme"), "--target", &server.url]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end. Returns whether the import succeeded, and its output.
pub(crate) fn printed(import: Child) -> (bool, String) {
    let Output { status, stdout, stderr } = import.wait_with_output().unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}
