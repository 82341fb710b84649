//! Several callers at once on one organization: in which order the changes were made is what the audit
//! says, and in that order the model makes them, too.

use rollcall_testkit::{
    Random, Refusal,
    contract::Rpc,
    model::{preview, pruned},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::Code;
use uuid::Uuid;

use crate::{
    compare::{microseconds, number_of},
    play::{Player, check_event, shown},
    requests::Asked,
    story::{Kind, Step},
};

const CALLERS: usize = 4;
const CALLS: usize = 5;

/// A call of a burst, and what came of it.
struct Called {
    rpc: &'static str,
    request: Value,
    answer: Result<Value, tonic::Status>,
}

impl Player {
    pub(crate) async fn burst(&mut self, step: &Step) -> Result<(), String> {
        let mut random = Random::new(step.seed);
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let mut asked = Vec::new();
            for _ in 0..CALLS {
                let kind = Kind::drawn(u32::try_from(random.below(10_000)).unwrap());
                let seed = u64::try_from(random.below(usize::MAX)).unwrap();
                let Asked { rpc, mut request } = self.ask(&Step { kind, seed, ..*step });
                request["request_id"] = json!(Uuid::now_v7().to_string());
                self.calls
                    .push(Rpc::find(rpc).grpcurl(&prost::Message::encode_to_vec(&Rpc::find(rpc).request(&request))));
                asked.push((rpc, request));
            }
            let channel = self.channel.clone();
            callers.spawn(async move {
                let mut called = Vec::new();
                for (rpc, request) in asked {
                    let answer = Rpc::find(rpc).call(&channel, &request).await;
                    called.push(Called { rpc, request, answer });
                }
                called
            });
        }
        let called = callers.join_all().await.into_iter().flatten().collect();
        self.replay(step.organization, called).await?;
        self.count("bursts");
        self.compare(step.organization).await.map_err(|why| format!("after a burst: {why}"))
    }

    async fn replay(&mut self, index: usize, mut called: Vec<Called>) -> Result<(), String> {
        for Called { rpc, answer, .. } in &called {
            if let Err(status) = answer {
                let refusal = Refusal::of(status).map_err(|why| format!("in a burst, {rpc}: {why}"))?;
                let ours = [Code::Internal, Code::Unknown, Code::Unavailable, Code::Unimplemented];
                if ours.contains(&refusal.code) {
                    return Err(format!("in a burst, {rpc}: {}", shown(status)));
                }
            }
        }
        for event in self.events_since(index).await? {
            let asked = called.iter().position(|called| called.request["request_id"] == event["request_id"]);
            let Called { rpc, request, answer } = called.remove(asked.ok_or_else(|| format!("nobody made {event}"))?);
            let answer = answer.map_err(|status| format!("it was made and answered {}", shown(&status)))?;
            let playing = &mut self.organizations[index];
            playing.revision += 1;
            if answer["revision"].as_str().and_then(number_of) != Some(playing.revision) {
                return Err(format!("the answer {answer} should be of revision {}", playing.revision));
            }
            let (before, at) = (playing.model.clone(), event["time"].as_str().and_then(microseconds));
            let made = playing.model.make(rpc, &request, at.unwrap_or_default());
            let made = made.map_err(|reason| format!("in a burst, {rpc} was made and not refused: {reason}"))?;
            if !made.writes {
                return Err(format!("in a burst, {rpc} wrote and had nothing to change"));
            }
            let told = pruned(&preview(&before, &playing.model));
            check_event(&event, &Rpc::find(rpc), &request, &told)?;
            self.count(format!("{} in a burst", Rpc::find(rpc).method().name()));
        }
        Ok(())
    }

    /// The events that are newer than what the model has, the oldest first.
    async fn events_since(&self, index: usize) -> Result<Vec<Value>, String> {
        let playing = &self.organizations[index];
        let request = json!({ "parent": format!("organizations/{}", playing.model.id), "page_size": CALLERS * CALLS });
        let answer = Rpc::find("AuditService/ListAuditEvents").call(&self.channel, &request).await;
        let answer = answer.map_err(|status| shown(&status))?;
        let events = answer["audit_events"].as_array().cloned().unwrap_or_default().into_iter().rev();
        let newer = |event: &Value| event["revision"].as_str().and_then(number_of) > Some(playing.revision);
        Ok(events.filter(newer).collect())
    }
}
