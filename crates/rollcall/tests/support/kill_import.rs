//! `rollcall import` of the sample, which waits before each of its commits for whoever holds the lock of the revision.

use std::process::{Child, Command, Output, Stdio};

use super::{
    kill_moment::{INSERT_EVENT, Stop},
    kill_server::Server,
};

/// Makes writes wait: the last thing that each does is its audit event.
pub(crate) const WAIT_AT_REVISIONS: &str = "
    CREATE FUNCTION wait_at_revision() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(NEW.revision); RETURN NEW; END $$;
    CREATE TRIGGER wait_at_revision BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION wait_at_revision()";

/// The organization's revision, 0 where there is none.
pub(crate) const REVISION: &str = "SELECT coalesce(max(revision), 0) FROM organizations";

/// Before the commit of a revision.
pub(crate) fn stop_before(revision: i64) -> Stop {
    Stop::locking(INSERT_EVENT, &format!("SELECT pg_advisory_xact_lock({revision})"))
}

/// Starts it.
pub(crate) fn start(server: &Server) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["import", concat!(env!("CARGO_MANIFEST_DIR"), "/sample/acme"), "--target", &server.url]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for its end: whether it was a good one, and what was printed.
pub(crate) fn printed(import: Child) -> (bool, String) {
    let Output { status, stdout, stderr } = import.wait_with_output().unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}
