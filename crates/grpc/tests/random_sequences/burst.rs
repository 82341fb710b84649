//! A burst: several concurrent callers change one organization. The model applies the successful requests
//! in the order of the audit.

use rollcall_testkit::{Random, RefusedCall, contract::Rpc};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::Code;
use uuid::Uuid;

use crate::{
    api_snapshot::{microseconds, revision_number},
    generate::GeneratedRequest,
    model::{expected_preview, without_defaults},
    player::SequencePlayer,
    responses::{check_audit_event, describe},
    sequence::{SequenceStep, StepKind},
};

const CALLERS: usize = 4;
const CALLS: usize = 5;

/// A call of a burst and its result.
struct BurstCall {
    rpc: &'static str,
    request: Value,
    answer: Result<Value, tonic::Status>,
}

impl SequencePlayer<'_> {
    /// Plays a burst, and compares the organization with the model.
    pub(crate) async fn burst(&mut self, step: &SequenceStep) -> Result<(), String> {
        let mut random = Random::new(step.seed);
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let mut requests = Vec::new();
            for _ in 0..CALLS {
                let kind = StepKind::weighted(u32::try_from(random.below(10_000)).unwrap());
                let seed = u64::try_from(random.below(usize::MAX)).unwrap();
                let GeneratedRequest { rpc, mut request } =
                    self.generate_request(&SequenceStep { kind, seed, ..*step });
                request["request_id"] = json!(Uuid::now_v7().to_string());
                self.calls
                    .push(Rpc::find(rpc).grpcurl(&prost::Message::encode_to_vec(&Rpc::find(rpc).request(&request))));
                requests.push((rpc, request));
            }
            let channel = self.channel.clone();
            callers.spawn(async move {
                let mut called = Vec::new();
                for (rpc, request) in requests {
                    let answer = Rpc::find(rpc).call(&channel, &request).await;
                    called.push(BurstCall { rpc, request, answer });
                }
                called
            });
        }
        let called = callers.join_all().await.into_iter().flatten().collect();
        self.replay(step.organization, called).await?;
        self.count("bursts");
        self.compare(step.organization).await.map_err(|why| format!("after a burst: {why}"))
    }

    /// Applies the successful calls to the model in the order of the audit.
    async fn replay(&mut self, index: usize, mut called: Vec<BurstCall>) -> Result<(), String> {
        for BurstCall { rpc, answer, .. } in &called {
            if let Err(status) = answer {
                let refusal = RefusedCall::of(status).map_err(|why| format!("in a burst, {rpc}: {why}"))?;
                let unexpected = [Code::Internal, Code::Unknown, Code::Unavailable, Code::Unimplemented];
                if unexpected.contains(&refusal.code) {
                    return Err(format!("in a burst, {rpc}: {}", describe(status)));
                }
            }
        }
        for event in self.events_since(index).await? {
            let position = called.iter().position(|called| called.request["request_id"] == event["request_id"]);
            let BurstCall { rpc, request, answer } =
                called.remove(position.ok_or_else(|| format!("no call made {event}"))?);
            let answer =
                answer.map_err(|status| format!("the change was made, but the call failed: {}", describe(&status)))?;
            let played = &mut self.organizations[index];
            played.revision += 1;
            if answer["revision"].as_str().and_then(revision_number) != Some(played.revision) {
                return Err(format!("the response {answer} should have revision {}", played.revision));
            }
            let (before, at) = (played.model.clone(), event["time"].as_str().and_then(microseconds));
            let made = played.model.apply_request(rpc, &request, at.unwrap_or_default());
            let made =
                made.map_err(|reason| format!("in a burst, {rpc} succeeded, but the model refuses it: {reason}"))?;
            if !made.writes {
                return Err(format!("in a burst, {rpc} created a revision without a change"));
            }
            let preview = without_defaults(&expected_preview(&before, &played.model));
            check_audit_event(&event, &Rpc::find(rpc), &request, &preview)?;
            self.count(format!("{} in a burst", Rpc::find(rpc).method().name()));
        }
        Ok(())
    }

    /// Reads the audit events that are newer than the model, the oldest first.
    async fn events_since(&self, index: usize) -> Result<Vec<Value>, String> {
        let played = &self.organizations[index];
        let request = json!({ "parent": format!("organizations/{}", played.model.id), "page_size": CALLERS * CALLS });
        let answer = Rpc::find("AuditService/ListAuditEvents").call(&self.channel, &request).await;
        let answer = answer.map_err(|status| describe(&status))?;
        let events = answer["audit_events"].as_array().cloned().unwrap_or_default().into_iter().rev();
        let newer = |event: &Value| event["revision"].as_str().and_then(revision_number) > Some(played.revision);
        Ok(events.filter(newer).collect())
    }
}
