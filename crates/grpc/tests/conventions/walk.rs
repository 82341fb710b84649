//! A walk over the contract: it creates a standard organization for a sample, makes the call, and records every RPC
//! that violates a convention, so that one run reports all.

use rollcall_testkit::{
    RefusedCall, TestServer,
    contract::Rpc,
    samples::{SAMPLES, Sample},
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::{Value, json};
use tonic::Code;

/// The id of another existing organization.
pub(crate) const OTHER: &str = "other";

/// A walk over the contract.
pub(crate) struct Walk {
    pub(crate) server: TestServer,
    shared: StandardOrganization,
    made: usize,
    found: Vec<String>,
}

/// A sample with its request.
pub(crate) struct PreparedCall {
    pub(crate) rpc: Rpc,
    pub(crate) request: Value,
    /// The id of the organization.
    pub(crate) id: String,
}

impl Walk {
    pub(crate) async fn start() -> Self {
        let server = TestServer::start().await;
        let other = StandardOrganization::create(&server, OTHER, MigrationHistory::CreatedMigrated).await.unwrap();
        for _ in 0..2 {
            other.make("JobService/RunJob", r#"{"name": "jobs/mixed-settings-report"}"#).await.unwrap();
        }
        // A list has at least two items, and no report fails here.
        let failed = "INSERT INTO job_audit_events (run_id, job, occurred_at, state, actor, cause) \
                      SELECT gen_random_uuid(), 'mixed-settings-report', now(), 'FAILED', '', '' FROM generate_series(1, 2)";
        server.database.client().await.batch_execute(failed).await.unwrap();
        for id in ["old-one", "old-two"] {
            let create = format!(r#"{{"organization_id": "{id}", "organization": {{"phase": "PHASE_LEGACY"}}}}"#);
            other.make("OrganizationService/CreateOrganization", &create).await.unwrap();
        }
        let shared = StandardOrganization::create(&server, "shared", MigrationHistory::CreatedMigrated).await.unwrap();
        Self { server, shared, made: 0, found: Vec::new() }
    }

    /// Returns every sample of the RPCs that match the filter.
    pub(crate) fn samples(applies: impl Fn(&Rpc) -> bool) -> Vec<&'static Sample> {
        let chosen: Vec<&Sample> = SAMPLES.iter().filter(|sample| applies(&Rpc::find(sample.rpc))).collect();
        assert!(!chosen.is_empty(), "no sample matches; add one to testkit/src/samples.rs");
        chosen
    }

    /// Prepares a sample on a new organization, for a change.
    pub(crate) async fn prepare_on_new_organization(&mut self, sample: &'static Sample) -> Option<PreparedCall> {
        self.made += 1;
        let standard = StandardOrganization::create(&self.server, &format!("org-{}", self.made), sample.history).await;
        let prepared = match &standard {
            Ok(standard) => Self::fill(sample, standard).await,
            Err(why) => Err(why.clone()),
        };
        self.known(sample, prepared)
    }

    /// Prepares a sample on any suitable organization, for a read.
    pub(crate) async fn prepare(&mut self, sample: &'static Sample) -> Option<PreparedCall> {
        if sample.history != MigrationHistory::CreatedMigrated {
            return self.prepare_on_new_organization(sample).await;
        }
        let prepared = Self::fill(sample, &self.shared).await;
        self.known(sample, prepared)
    }

    fn known(&mut self, sample: &Sample, prepared: Result<PreparedCall, String>) -> Option<PreparedCall> {
        prepared.map_err(|why| self.found.push(format!("{} cannot be tried: {why}", sample.rpc))).ok()
    }

    async fn fill(sample: &'static Sample, standard: &StandardOrganization) -> Result<PreparedCall, String> {
        let request = standard.request(sample.request).await?;
        Ok(PreparedCall { rpc: Rpc::find(sample.rpc), request, id: standard.id().to_owned() })
    }

    /// Makes a call that must succeed.
    pub(crate) async fn answer(&mut self, prepared: &PreparedCall, request: &Value, what: &str) -> Option<Value> {
        let answered = prepared.rpc.call(&self.server.channel(), request).await;
        answered
            .map_err(|status| self.note(prepared, &format!("{what}: {:?} {}", status.code(), status.message())))
            .ok()
    }

    /// Makes a call that must be refused with this code and reason.
    pub(crate) async fn refused(
        &mut self,
        prepared: &PreparedCall,
        request: &Value,
        (code, reason): (Code, &str),
        what: &str,
    ) -> Option<RefusedCall> {
        let message = prepared.rpc.request(request);
        self.refused_message(prepared, &message, (code, reason), what).await
    }

    /// Makes a call that must be refused with this code and reason.
    pub(crate) async fn refused_message(
        &mut self,
        prepared: &PreparedCall,
        request: &prost_reflect::DynamicMessage,
        (code, reason): (Code, &str),
        what: &str,
    ) -> Option<RefusedCall> {
        let answered = prepared.rpc.call_message(&self.server.channel(), request).await;
        match answered.map_err(|status| RefusedCall::of(&status)) {
            Err(Ok(refusal)) if refusal.is(code, reason) => return Some(refusal),
            Err(Ok(other)) => self.note(prepared, &format!("{what}: {:?} {}", other.code, other.message)),
            Err(Err(broken)) => self.note(prepared, &format!("{what}: {broken}")),
            Ok(answer) => self.note(prepared, &format!("{what}: it was answered {answer}")),
        }
        None
    }

    /// Makes a call that must be refused because of a field.
    pub(crate) async fn bad_field(&mut self, prepared: &PreparedCall, request: &Value, field: &str, what: &str) {
        let refused = self.refused(prepared, request, INVALID, &format!("{field} is {what}")).await;
        if let Some(refusal) = refused
            && !refusal.fields.iter().any(|found| found == field)
        {
            self.note(prepared, &format!("{field} is {what}: the fields are {:?}", refusal.fields));
        }
    }

    /// Records a violation of a convention.
    pub(crate) fn check(&mut self, holds: bool, prepared: &PreparedCall, what: &str) {
        if !holds {
            self.note(prepared, what);
        }
    }

    pub(crate) fn note(&mut self, prepared: &PreparedCall, what: &str) {
        self.found.push(format!("{}: {what}", prepared.rpc.name()));
    }

    /// Fails the test with all recorded violations.
    pub(crate) async fn end(self) {
        self.server.stop().await;
        assert!(self.found.is_empty(), "{} findings:\n{}", self.found.len(), self.found.join("\n"));
    }
}

/// The code and reason of an invalid request.
pub(crate) const INVALID: (Code, &str) = (Code::InvalidArgument, "INVALID_REQUEST");

/// Returns the request with another value at a pointer. A missing field is created.
pub(crate) fn with(request: &Value, pointer: &str, value: impl Into<Value>) -> Value {
    let mut changed = request.clone();
    let mut at = &mut changed;
    for part in pointer.split('/').skip(1) {
        at = match at {
            Value::Array(items) => &mut items[part.parse::<usize>().unwrap()],
            at => {
                if at.is_null() {
                    *at = json!({});
                }
                at.as_object_mut().unwrap().entry(part).or_insert(Value::Null)
            }
        };
    }
    *at = value.into();
    changed
}

/// Returns the path of a field in violations: `assignment.groups[0]` for `/assignment/groups/0`.
pub(crate) fn path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(index) => path += &format!("[{index}]"),
            Err(_) if path.is_empty() => path += part,
            Err(_) => path += &format!(".{part}"),
        }
    }
    path
}

/// Returns the pointers of resource names in a request, with the names.
pub(crate) fn names(request: &Value) -> Vec<(String, String)> {
    fn visit(value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| visit(value, &format!("{pointer}/{key}"), found))
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, value)| visit(value, &format!("{pointer}/{i}"), found));
            }
            Value::String(text) if ["organizations/", "jobs/", "reports/"].iter().any(|c| text.starts_with(c)) => {
                found.push((pointer.to_owned(), text.clone()));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(request, "", &mut found);
    found
}
