//! The memory of the server after each change: it is refreshed with what has changed, and must give the answers of the
//! store for every member, every address and the newest times at which an answer changes.

use rollcall_proto::v1::{
    BatchCheckEmailExportItem, BatchCheckEmailExportRequest, batch_check_email_export_item::Subject,
    email_export_service_client::EmailExportServiceClient,
};
use serde_json::Value;
use tonic::transport::Channel;

use crate::{model::Model, responses::describe};

/// How many of the newest times are asked about, besides "now".
const TIMES: usize = 2;

/// Compares the answers from memory with those from the store. `members` are the members as the API shows them.
pub(crate) async fn compare(channel: &Channel, model: &Model, members: &Value) -> Result<(), String> {
    let parent = format!("organizations/{}", model.id);
    let mut begun: Vec<i64> = model.holdings.values().flatten().map(|(begins, _)| *begins).collect();
    begun.sort_unstable();
    begun.dedup();
    // An answer changes at such a time, so the time before matters, too.
    let recent = begun.iter().rev().flat_map(|begins| [*begins, *begins - 1]).take(TIMES);
    let sent = recent.map(|time| prost_types::Timestamp {
        seconds: time.div_euclid(1_000_000),
        nanos: i32::try_from(time.rem_euclid(1_000_000) * 1_000).unwrap_or_default(),
    });
    let sent: Vec<_> = sent.map(Some).chain([None]).collect();
    let names = members.as_array().into_iter().flatten().filter_map(|member| member["name"].as_str());
    let nobody = format!("{parent}/members/nobody");
    let subjects = names.chain([nobody.as_str()]).map(|name| Subject::Member(name.to_owned()));
    let emails = model.holdings.keys().map(String::as_str).chain(["nobody@none.example"]);
    let subjects = subjects.chain(emails.map(|email| Subject::Email(email.to_owned())));
    let item = |subject: Subject| {
        let of_time = |sent_time: &Option<prost_types::Timestamp>| BatchCheckEmailExportItem {
            subject: Some(subject.clone()),
            sent_time: *sent_time,
        };
        sent.iter().map(of_time).collect::<Vec<_>>()
    };
    let items: Vec<BatchCheckEmailExportItem> = subjects.flat_map(item).collect();
    let ask = async |fully_consistent: bool| {
        let (parent, items) = (parent.clone(), items.clone());
        let request = BatchCheckEmailExportRequest { parent, items, fully_consistent, ..Default::default() };
        let answer = EmailExportServiceClient::new(channel.clone()).batch_check_email_export(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| describe(&status))
    };
    let (memory, store) = (ask(false).await?, ask(true).await?);
    if memory.revision != store.revision {
        return Err(format!("memory is at {}, the store at {}", memory.revision, store.revision));
    }
    if (memory.results.len(), store.results.len()) != (items.len(), items.len()) {
        return Err(format!("the {} items have other numbers of results", items.len()));
    }
    for ((item, found), expected) in items.iter().zip(&memory.results).zip(&store.results) {
        if found != expected {
            return Err(format!("{item:?} is answered from memory with {found:?}, from the store with {expected:?}"));
        }
    }
    Ok(())
}
