//! The memory of the server after each change: it is refreshed with what has changed, and must give the answers of the
//! store for every member, every address and every time at which an answer can change.

use rollcall_testkit::contract::Rpc;
use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::{api_snapshot::comparable, model::Model, responses::describe};

/// Compares the answers from memory with those from the store. `members` are the members as the API shows them.
pub(crate) async fn compare(channel: &Channel, model: &Model, members: &Value) -> Result<(), String> {
    let parent = format!("organizations/{}", model.id);
    let comparable_members = comparable(members);
    let starts: Vec<i64> = (comparable_members.as_array().into_iter().flatten())
        .filter_map(|member| {
            let start = &member["email_export_since"];
            start.as_i64().or_else(|| start.as_str()?.parse().ok())
        })
        .collect();
    let begun = model.holdings.values().flatten().map(|(begins, _)| *begins);
    let mut times: Vec<i64> = starts.into_iter().chain(begun).flat_map(|at| [at - 1, at]).collect();
    times.sort_unstable();
    times.dedup();
    let names = members.as_array().into_iter().flatten().map(|member| json!({ "member": member["name"] }));
    let addresses = model.holdings.keys().map(|email| json!({ "email": email }));
    let unknown = [json!({ "member": format!("{parent}/members/nobody") }), json!({ "email": "nobody@none.example" })];
    let items: Vec<Value> = names
        .chain(addresses)
        .chain(unknown)
        .flat_map(|subject| {
            // The newest times are those that the last change has added.
            let recent = times.iter().rev().take(8);
            let at = recent.filter_map(|time| chrono::DateTime::from_timestamp_micros(*time));
            let sent = at.map(|time| json!(time.to_rfc3339())).map(Some).chain([None]);
            sent.map(|sent| {
                let mut item = subject.clone();
                if let Some(sent) = sent {
                    item["sent_time"] = sent;
                }
                item
            })
            .collect::<Vec<_>>()
        })
        .collect();
    let rpc = Rpc::find("EmailExportService/BatchCheckEmailExport");
    let ask = async |fully_consistent: bool| {
        let request = json!({ "parent": parent, "items": items, "fully_consistent": fully_consistent });
        rpc.call(channel, &request).await.map_err(|status| describe(&status))
    };
    let (memory, store) = (ask(false).await?, ask(true).await?);
    if memory["revision"] != store["revision"] {
        return Err(format!("memory is at {}, the store at {}", memory["revision"], store["revision"]));
    }
    let results = |answer: &Value| answer["results"].as_array().cloned().unwrap_or_default();
    if (results(&memory).len(), results(&store).len()) != (items.len(), items.len()) {
        return Err(format!("the {} items have other numbers of results", items.len()));
    }
    for ((item, found), expected) in items.iter().zip(results(&memory)).zip(results(&store)) {
        if found != expected {
            return Err(format!("{item} is answered from memory with {found}, from the store with {expected}"));
        }
    }
    Ok(())
}
