//! Plays a sequence: validates each change, makes it, and compares the whole organization with the model.

use rollcall_testkit::{Random, TestServer, contract::Rpc};
use serde_json::{Value, json};
use tonic::{Status, transport::Channel};
use uuid::Uuid;

use crate::{
    StepCounts,
    api_snapshot::{ApiSnapshot, microseconds, require_equal, revision_number},
    database_faults::DatabaseFaults,
    decisions,
    generate::{GeneratedRequest, generate},
    model::{AppliedRequest, Model, expected_preview, without_defaults},
    responses::{
        check_audit_event, check_stored_data, describe, newest_event, predicted_fields, require_refusal, response,
    },
    sequence::{Sequence, SequenceStep, StepKind},
};

/// The time of changes that are only validated. It is later than the time of every real change.
const PREVIEW_TIME: i64 = i64::MAX / 2;

/// An organization of a sequence, with the state that the API must show.
pub(crate) struct PlayedOrganization {
    pub(crate) model: Model,
    pub(crate) revision: i64,
    catalog_etag: Value,
    order_etag: Value,
}

/// Plays a sequence on a server, and records its calls.
pub(crate) struct SequencePlayer<'a> {
    pub(crate) channel: Channel,
    pub(crate) faults: &'a DatabaseFaults,
    pub(crate) organizations: Vec<PlayedOrganization>,
    /// The calls as grpcurl command lines.
    pub(crate) calls: Vec<String>,
    pub(crate) counts: StepCounts,
}

impl<'a> SequencePlayer<'a> {
    pub(crate) fn new(server: &TestServer, faults: &'a DatabaseFaults) -> Self {
        let (organizations, calls, counts) = (Vec::new(), Vec::new(), StepCounts::new());
        Self { channel: server.channel(), faults, organizations, calls, counts }
    }

    /// Returns the failure with the calls that lead to it.
    pub(crate) fn report(&self, why: &str) -> String {
        format!("{}\n# {why}", self.calls.join("\n"))
    }

    pub(crate) async fn play(&mut self, sequence: &Sequence) -> Result<(), String> {
        for legacy in &sequence.legacy {
            self.create(*legacy).await?;
        }
        for step in &sequence.steps {
            match step.kind {
                StepKind::RunMigration => self.run_migration().await?,
                StepKind::Burst => self.burst(step).await?,
                _ => self.step(step).await?,
            }
        }
        for index in 0..self.organizations.len() {
            self.compare(index).await?;
            self.compare_holders(index).await?;
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
        let model = Model::from_create_request(&request);
        self.organizations.push(PlayedOrganization {
            model,
            revision: 1,
            catalog_etag: json!("1"),
            order_etag: json!(""),
        });
        self.compare(self.organizations.len() - 1).await
    }

    /// Makes a call, and records its grpcurl command line.
    pub(crate) async fn call(&mut self, rpc: &Rpc, request: &Value) -> Result<Value, Status> {
        let bytes = prost::Message::encode_to_vec(&rpc.request(request));
        self.calls.push(rpc.grpcurl(&bytes));
        Ok(rpc.read(&rpc.call_bytes(&self.channel, bytes).await?))
    }

    /// Generates the request of a step, with the etags that it needs.
    pub(crate) fn generate_request(&self, step: &SequenceStep) -> GeneratedRequest {
        let played = &self.organizations[step.organization];
        let mut generated = generate(step, &played.model);
        match step.kind {
            StepKind::UpdateCatalog => generated.request["catalog"]["etag"] = played.catalog_etag.clone(),
            StepKind::Reorder => generated.request["etag"] = played.order_etag.clone(),
            _ => {}
        }
        generated
    }

    async fn step(&mut self, step: &SequenceStep) -> Result<(), String> {
        let GeneratedRequest { rpc, request } = self.generate_request(step);
        let (index, method) = (step.organization, Rpc::find(rpc));
        let mut planned = self.organizations[index].model.clone();
        let expected = planned.apply_request(rpc, &request, PREVIEW_TIME);
        let mut validating = request.clone();
        validating["validate_only"] = json!(true);
        let validated = self.call(&method, &validating).await;
        let mut making = request.clone();
        making["request_id"] = json!(Uuid::now_v7().to_string());
        match (expected, validated) {
            (Err(reason), Err(status)) => {
                require_refusal(&reason, &status).map_err(|why| format!("validated: {why}"))?;
                let made = self.call(&method, &making).await;
                let Err(status) = made else { return Err(format!("expected a refusal: {reason}")) };
                require_refusal(&reason, &status)?;
                self.count(format!("{} {reason}", method.method().name()));
                return self.compare_revision(index).await;
            }
            (Ok(expected), Ok(validated)) => {
                self.check_preview(index, &planned, (&expected, &validated))?;
                self.make_on_full_disk(index, (step, &method, &making)).await?;
                self.make_at_any_time(index, (step, rpc, &making), &validated).await?;
                self.count(method.method().name());
            }
            (Err(reason), Ok(validated)) => return Err(format!("expected the refusal {reason}, found: {validated}")),
            (Ok(_), Err(status)) => return Err(format!("expected success, found: {}", describe(&status))),
        }
        self.compare(index).await?;
        if Random::new(step.seed).chance(15) {
            self.repeat(index, &method, &making).await?;
        }
        Ok(())
    }

    /// Checks that the preview predicts the change of the model, and that nothing was written.
    fn check_preview(
        &self,
        index: usize,
        planned: &Model,
        (expected, validated): (&AppliedRequest, &Value),
    ) -> Result<(), String> {
        let played = &self.organizations[index];
        let found = without_defaults(&validated["preview"]);
        require_equal("the preview", &without_defaults(&expected_preview(&played.model, planned)), &found)?;
        require_equal(
            "the validated response",
            &without_defaults(&expected.response),
            &response(validated, &expected.response),
        )?;
        let revision = validated["revision"].as_str().and_then(revision_number);
        if revision != Some(played.revision) {
            return Err(format!("the revision is {revision:?} after validating, and was {}", played.revision));
        }
        Ok(())
    }

    /// Makes a change, sometimes while the clock of the database is wrong.
    async fn make_at_any_time(
        &mut self,
        index: usize,
        (step, rpc, request): (&SequenceStep, &str, &Value),
        validated: &Value,
    ) -> Result<(), String> {
        if !DatabaseFaults::has_wrong_clock(step) {
            return self.make(index, rpc, request, validated).await;
        }
        self.faults.advance_clock().await;
        let made = self.make(index, rpc, request, validated).await;
        self.faults.repair_clock().await;
        self.count("wrong clock");
        made.map_err(|why| format!("with a wrong clock: {why}"))
    }

    /// Makes a change, and applies it to the model at the time of its audit event.
    async fn make(&mut self, index: usize, rpc: &str, request: &Value, validated: &Value) -> Result<(), String> {
        let method = Rpc::find(rpc);
        let made = self.call(&method, request).await;
        let made = made.map_err(|status| format!("the validated change was refused: {}", describe(&status)))?;
        let revision = made["revision"].as_str().and_then(revision_number).unwrap_or_default();
        let played = &mut self.organizations[index];
        let before = played.model.clone();
        let writes = revision > played.revision;
        played.revision += i64::from(writes);
        let event = newest_event(&self.channel, &before.id).await?;
        let played = &mut self.organizations[index];
        let at = event["time"].as_str().and_then(microseconds).unwrap_or_default();
        let applied = played
            .model
            .apply_request(rpc, request, at)
            .map_err(|reason| format!("the model refuses the change: {reason}"))?;
        if applied.writes != writes {
            return Err(format!("it created revision {revision}; the model writes: {}", applied.writes));
        }
        require_equal("the response", &without_defaults(&applied.response), &response(&made, &applied.response))?;
        require_equal("the prediction", &predicted_fields(validated), &predicted_fields(&made))?;
        if writes {
            check_audit_event(&event, &method, request, &without_defaults(&expected_preview(&before, &played.model)))?;
        }
        Ok(())
    }

    /// Checks that a repeated request returns the same response.
    async fn repeat(&mut self, index: usize, method: &Rpc, request: &Value) -> Result<(), String> {
        let bytes = prost::Message::encode_to_vec(&method.request(request));
        let mut answers = Vec::new();
        for _ in 0..2 {
            let answer = method.call_bytes(&self.channel, bytes.clone()).await;
            answers.push(answer.map_err(|status| (status.code(), status.message().to_owned())));
        }
        if answers[0] != answers[1] {
            return Err("the repeated request returned another response".to_owned());
        }
        self.count("repeated");
        self.compare(index).await.map_err(|why| format!("repeated: {why}"))
    }

    /// Runs the migration job, which migrates every organization in state `PENDING`.
    async fn run_migration(&mut self) -> Result<(), String> {
        let request = json!({ "name": "jobs/settings-migration", "wait_timeout": "300s" });
        let answer = self.call(&Rpc::find("JobService/RunJob"), &request).await.map_err(|status| describe(&status))?;
        if answer["run"]["state"] != "JOB_RUN_STATE_SUCCEEDED" {
            return Err(format!("the run did not succeed: {answer}"));
        }
        for played in self.organizations.iter_mut().filter(|played| played.model.migration == Some("PENDING")) {
            played.model.migrate().map_err(|reason| format!("the model refuses the migration: {reason}"))?;
            played.revision += 1;
        }
        self.count("RunJob");
        for index in 0..self.organizations.len() {
            self.compare(index).await?;
        }
        Ok(())
    }

    /// Checks that an answer by address is the answer about the member who held the address at that time.
    async fn compare_holders(&self, index: usize) -> Result<(), String> {
        let rpc = Rpc::find("EmailExportService/CheckEmailExport");
        let model = &self.organizations[index].model;
        let parent = format!("organizations/{}", model.id);
        for (email, history) in &model.holdings {
            let times = history.iter().flat_map(|(begins, _)| [Some(begins - 1), Some(*begins)]);
            for time in times.chain([None]) {
                let ask = async |subject: &str, value: &str| {
                    let mut request = json!({ "parent": parent, subject: value });
                    if let Some(time) = time.and_then(chrono::DateTime::from_timestamp_micros) {
                        request["sent_time"] = json!(time.to_rfc3339());
                    }
                    let mut answer = rpc.call(&self.channel, &request).await.map_err(|status| describe(&status))?;
                    answer["age"] = Value::Null;
                    Ok::<_, String>(answer)
                };
                let holder = model.holder(email, time).unwrap_or_default();
                let expected = ask("member", &format!("{parent}/members/{holder}")).await?;
                require_equal(&format!("{email} at {time:?}"), &expected, &ask("email", email).await?)?;
            }
        }
        Ok(())
    }

    /// Checks that a refusal did not change the revision.
    async fn compare_revision(&self, index: usize) -> Result<(), String> {
        let PlayedOrganization { model, revision, .. } = &self.organizations[index];
        let request = json!({ "name": format!("organizations/{}", model.id) });
        let answer = Rpc::find("OrganizationService/GetOrganization").call(&self.channel, &request).await;
        let found = answer.map_err(|status| describe(&status))?["revision"].as_str().and_then(revision_number);
        match found == Some(*revision) {
            true => Ok(()),
            false => Err(format!("the revision after a refusal is {found:?}, expected {revision}")),
        }
    }

    /// Checks that the API shows the organization of the model.
    pub(crate) async fn compare(&mut self, index: usize) -> Result<(), String> {
        let played = &mut self.organizations[index];
        let snapshot = ApiSnapshot::read(&self.channel, &played.model.id).await?;
        snapshot.compare(&played.model, played.revision)?;
        played.catalog_etag = snapshot.catalog_etag;
        played.order_etag = snapshot.order_etag;
        let name = format!("organizations/{}", played.model.id);
        check_stored_data(&self.channel, &name).await?;
        decisions::compare(&self.channel, &self.organizations[index].model, &snapshot.members).await
    }
}
