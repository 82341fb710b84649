//! Playing a sequence: each change is first only checked, then made, and then everything is compared.

use rollcall_testkit::{
    Random, Refusal, TestServer,
    contract::Rpc,
    model::{Made, Model, preview, pruned},
};
use serde_json::{Value, json};
use tonic::{Status, transport::Channel};
use uuid::Uuid;

use crate::{
    Counts,
    compare::{Shown, comparable, microseconds, number_of, only, same},
    requests::{Asked, draw},
    story::{Kind, Step, Story},
};

/// A time that no change has had yet, for what is only checked.
const SOMETIME: i64 = i64::MAX / 2;

/// An organization in a sequence.
pub(crate) struct Playing {
    pub(crate) model: Model,
    pub(crate) revision: i64,
    catalog_etag: Value,
    order_etag: Value,
}

/// Plays sequences on a server, and keeps what it calls.
pub(crate) struct Player {
    pub(crate) channel: Channel,
    pub(crate) organizations: Vec<Playing>,
    /// The lines of grpcurl that make the same calls.
    pub(crate) calls: Vec<String>,
    pub(crate) counts: Counts,
}

impl Player {
    pub(crate) fn new(server: &TestServer) -> Self {
        Self { channel: server.channel(), organizations: Vec::new(), calls: Vec::new(), counts: Counts::new() }
    }

    /// What went wrong, with the calls that lead there.
    pub(crate) fn told(&self, why: &str) -> String {
        format!("{}\n# {why}", self.calls.join("\n"))
    }

    pub(crate) async fn play(&mut self, story: &Story) -> Result<(), String> {
        for legacy in &story.legacy {
            self.create(*legacy).await?;
        }
        for step in &story.steps {
            match step.kind {
                Kind::RunMigration => self.run_migration().await?,
                Kind::Burst => self.burst(step).await?,
                _ => self.step(step).await?,
            }
        }
        for index in 0..self.organizations.len() {
            self.compare(index).await?;
        }
        self.count("sequences");
        Ok(())
    }

    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    async fn create(&mut self, legacy: bool) -> Result<(), String> {
        let id = format!("o-{}", Uuid::now_v7().simple());
        let phase = if legacy { "PHASE_LEGACY" } else { "PHASE_MIGRATED" };
        let request = json!({ "organization_id": id, "organization": { "phase": phase } });
        let rpc = Rpc::find("OrganizationService/CreateOrganization");
        self.call(&rpc, &request).await.map_err(|status| format!("{status:?}"))?;
        let model = Model::created(&request);
        self.organizations.push(Playing { model, revision: 1, catalog_etag: json!("1"), order_etag: json!("") });
        self.compare(self.organizations.len() - 1).await
    }

    /// Calls, and keeps the line that does.
    pub(crate) async fn call(&mut self, rpc: &Rpc, request: &Value) -> Result<Value, Status> {
        let bytes = prost::Message::encode_to_vec(&rpc.request(request));
        self.calls.push(rpc.grpcurl(&bytes));
        Ok(rpc.read(&rpc.call_bytes(&self.channel, bytes).await?))
    }

    /// What a step asks for, with the etags that it needs.
    pub(crate) fn ask(&self, step: &Step) -> Asked {
        let playing = &self.organizations[step.organization];
        let mut asked = draw(step, &playing.model);
        match step.kind {
            Kind::UpdateCatalog => asked.request["catalog"]["etag"] = playing.catalog_etag.clone(),
            Kind::Reorder => asked.request["etag"] = playing.order_etag.clone(),
            _ => {}
        }
        asked
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let Asked { rpc, request } = self.ask(step);
        let (index, method) = (step.organization, Rpc::find(rpc));
        let mut planned = self.organizations[index].model.clone();
        let expected = planned.make(rpc, &request, SOMETIME);
        let mut checking = request.clone();
        checking["validate_only"] = json!(true);
        let checked = self.call(&method, &checking).await;
        let mut making = request.clone();
        making["request_id"] = json!(Uuid::now_v7().to_string());
        match (expected, checked) {
            (Err(reason), Err(status)) => {
                refused_for(&reason, &status).map_err(|why| format!("checked: {why}"))?;
                let made = self.call(&method, &making).await;
                let Err(status) = made else { return Err(format!("it should be refused: {reason}")) };
                refused_for(&reason, &status)?;
                self.count(format!("{} {reason}", method.method().name()));
                return self.compare_revision(index).await;
            }
            (Ok(expected), Ok(checked)) => {
                self.check_preview(index, &planned, (&expected, &checked))?;
                self.make(index, rpc, &making, &checked).await?;
                self.count(method.method().name());
            }
            (Err(reason), Ok(checked)) => return Err(format!("it should be refused, {reason}, and was: {checked}")),
            (Ok(_), Err(status)) => return Err(format!("it should be made, and was: {}", shown(&status))),
        }
        self.compare(index).await?;
        if Random::new(step.seed).chance(15) {
            self.repeat(index, &method, &making).await?;
        }
        Ok(())
    }

    /// A preview tells what the model does, and nothing is written.
    fn check_preview(&self, index: usize, planned: &Model, (expected, checked): (&Made, &Value)) -> Result<(), String> {
        let playing = &self.organizations[index];
        let told = pruned(&checked["preview"]);
        same("the preview", &pruned(&preview(&playing.model, planned)), &told)?;
        same("checked", &pruned(&expected.response), &response(checked, &expected.response))?;
        let revision = checked["revision"].as_str().and_then(number_of);
        if revision != Some(playing.revision) {
            return Err(format!("checking it made revision {revision:?} of {}", playing.revision));
        }
        Ok(())
    }

    /// Makes a change, and does the same to the model at the time that the audit tells.
    async fn make(&mut self, index: usize, rpc: &str, request: &Value, checked: &Value) -> Result<(), String> {
        let method = Rpc::find(rpc);
        let made = self.call(&method, request).await;
        let made = made.map_err(|status| format!("it was checked, and then: {}", shown(&status)))?;
        let revision = made["revision"].as_str().and_then(number_of).unwrap_or_default();
        let playing = &mut self.organizations[index];
        let before = playing.model.clone();
        let writes = revision > playing.revision;
        playing.revision += i64::from(writes);
        let event = newest_event(&self.channel, &before.id).await?;
        let playing = &mut self.organizations[index];
        let at = event["time"].as_str().and_then(microseconds).unwrap_or_default();
        let done = playing.model.make(rpc, request, at).map_err(|reason| format!("made, and not checked: {reason}"))?;
        if done.writes != writes {
            return Err(format!("it made revision {revision}; that it writes is {}", done.writes));
        }
        same("the answer", &pruned(&done.response), &response(&made, &done.response))?;
        same("what was checked", &predicted(checked), &predicted(&made))?;
        if writes {
            check_event(&event, &method, request, &pruned(&preview(&before, &playing.model)))?;
        }
        Ok(())
    }

    /// The same request again is answered the same.
    async fn repeat(&mut self, index: usize, method: &Rpc, request: &Value) -> Result<(), String> {
        let bytes = prost::Message::encode_to_vec(&method.request(request));
        let mut answers = Vec::new();
        for _ in 0..2 {
            let answer = method.call_bytes(&self.channel, bytes.clone()).await;
            answers.push(answer.map_err(|status| (status.code(), status.message().to_owned())));
        }
        if answers[0] != answers[1] {
            return Err("repeated, it is answered otherwise".to_owned());
        }
        self.count("repeated");
        self.compare(index).await.map_err(|why| format!("repeated: {why}"))
    }

    /// The job migrates every organization that waits for it.
    async fn run_migration(&mut self) -> Result<(), String> {
        let request = json!({ "name": "jobs/settings-migration", "wait_timeout": "300s" });
        let answer = self.call(&Rpc::find("JobService/RunJob"), &request).await.map_err(|status| shown(&status))?;
        if answer["run"]["state"] != "JOB_RUN_STATE_SUCCEEDED" {
            return Err(format!("the run is {answer}"));
        }
        for playing in self.organizations.iter_mut().filter(|playing| playing.model.migration == Some("PENDING")) {
            playing.model.migrate().map_err(|reason| format!("migrated, and yet {reason}"))?;
            playing.revision += 1;
        }
        self.count("RunJob");
        for index in 0..self.organizations.len() {
            self.compare(index).await?;
        }
        Ok(())
    }

    /// After a refusal the organization has the revision of before.
    async fn compare_revision(&self, index: usize) -> Result<(), String> {
        let Playing { model, revision, .. } = &self.organizations[index];
        let request = json!({ "name": format!("organizations/{}", model.id) });
        let answer = Rpc::find("OrganizationService/GetOrganization").call(&self.channel, &request).await;
        let found = answer.map_err(|status| shown(&status))?["revision"].as_str().and_then(number_of);
        match found == Some(*revision) {
            true => Ok(()),
            false => Err(format!("it was refused, and the revision is {found:?} and not {revision}")),
        }
    }

    /// What the API shows is what the model has.
    pub(crate) async fn compare(&mut self, index: usize) -> Result<(), String> {
        let playing = &mut self.organizations[index];
        let shown = Shown::read(&self.channel, &playing.model.id).await?;
        shown.differences(&playing.model, playing.revision)?;
        playing.catalog_etag = shown.catalog_etag;
        playing.order_etag = shown.order_etag;
        Ok(())
    }
}

pub(crate) fn shown(status: &Status) -> String {
    format!("{:?} {}", status.code(), status.message())
}

fn refused_for(reason: &str, status: &Status) -> Result<(), String> {
    let refusal = Refusal::of(status)?;
    if refusal.reason == reason {
        return Ok(());
    }
    Err(format!("it should be refused with {reason}, and is: {} {}", refusal.reason, refusal.message))
}

/// The fields of an answer that the model tells something of.
fn response(answer: &Value, expected: &Value) -> Value {
    let fields: Vec<&str> = expected.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
    let mut found = only(answer, &fields);
    // Why a row is rejected is for people.
    if let Some(rejected) = found["rejected"].as_array_mut() {
        rejected.iter_mut().for_each(|row| *row = only(row, &["kind", "key"]));
        rejected.sort_by_key(|row| (row["kind"].to_string(), row["key"].to_string()));
    }
    pruned(&found)
}

/// What an answer says of the resource that is the same before it is made: not what members have
/// by then, and no time of the change itself.
fn predicted(answer: &Value) -> Value {
    let mut found = only(answer, &["assignment", "member", "catalog", "organization", "warnings", "counts", "etag"]);
    let unpredicted =
        [("assignment", "email_export_summary"), ("assignment", "member_count"), ("member", "email_export_since")];
    for (resource, field) in unpredicted {
        if let Some(fields) = found.get_mut(resource).and_then(Value::as_object_mut) {
            fields.remove(field);
        }
    }
    let order_etag = found["etag"].clone();
    let mut found = comparable(&found);
    if !order_etag.is_null() {
        found["order_etag"] = order_etag;
    }
    found
}

pub(crate) async fn newest_event(channel: &Channel, id: &str) -> Result<Value, String> {
    let request = json!({ "parent": format!("organizations/{id}"), "page_size": 1 });
    let answer = Rpc::find("AuditService/ListAuditEvents").call(channel, &request).await;
    let answer = answer.map_err(|status| shown(&status))?;
    Ok(answer["audit_events"][0].clone())
}

/// The audit tells who asked for what, and how many members it touched how.
pub(crate) fn check_event(event: &Value, method: &Rpc, request: &Value, preview: &Value) -> Result<(), String> {
    let told = pruned(&only(event, &["method", "actor", "request_id"]));
    let asked = json!({ "method": method.method().name(), "actor": "anonymous", "request_id": request["request_id"] });
    same("the audit event", &asked, &told)?;
    let fields = ["assignment_changes", "flips_to_export", "flips_to_do_not_export", "settings_changes"];
    same("the audit event", &only(preview, &fields), &pruned(&only(event, &fields)))
}
