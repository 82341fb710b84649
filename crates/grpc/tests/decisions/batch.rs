//! `BatchCheckEmailExport`: results in the order of the request, each an answer or a status.

use rollcall_proto::v1::{
    BatchCheckEmailExportItem, BatchCheckEmailExportRequest, BatchCheckEmailExportResponse, CheckEmailExportResponse,
    EmailExportReason, EmailExportView, ErrorReason, batch_check_email_export_item::Subject,
    batch_check_email_export_result::Result as ItemResult,
};
use rollcall_testkit::{Org, TestServer, refused};

use crate::{ask, create, question};

fn by_member(name: String) -> BatchCheckEmailExportItem {
    BatchCheckEmailExportItem { subject: Some(Subject::Member(name)), sent_time: None }
}

fn by_email(email: String) -> BatchCheckEmailExportItem {
    BatchCheckEmailExportItem { subject: Some(Subject::Email(email)), sent_time: None }
}

async fn batch(
    server: &TestServer,
    org: &Org<'_>,
    items: Vec<BatchCheckEmailExportItem>,
    view: EmailExportView,
    fully_consistent: bool,
) -> BatchCheckEmailExportResponse {
    let request = BatchCheckEmailExportRequest {
        parent: org.name(),
        items,
        view: view.into(),
        fully_consistent,
        ..Default::default()
    };
    server.email_export().batch_check_email_export(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_has_its_own_result_in_the_order_of_the_request() {
    let server = TestServer::start().await;
    let org = create(&server, "acme").await;
    let wrong_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
    let items = vec![
        by_member(org.member("cid")),
        by_email("not an address".to_owned()),
        by_email(org.email("ADA")),
        by_member("organizations/other/members/ada".to_owned()),
        BatchCheckEmailExportItem { subject: None, sent_time: wrong_time },
        by_member(org.member("nobody")),
        BatchCheckEmailExportItem {
            sent_time: Some(prost_types::Timestamp::default()),
            ..by_member(org.member("bob"))
        },
    ];
    for fully_consistent in [false, true] {
        let answer = batch(&server, &org, items.clone(), EmailExportView::Unspecified, fully_consistent).await;
        let results: Vec<Result<EmailExportReason, ErrorReason>> = answer
            .results
            .iter()
            .map(|result| match result.result.as_ref().unwrap() {
                ItemResult::Response(response) => Ok(response.reason()),
                ItemResult::Status(status) => {
                    assert_eq!(status.code, 3, "{status:?}");
                    Err(status.reason())
                }
            })
            .collect();
        let invalid = Err(ErrorReason::InvalidRequest);
        let expected = [
            Ok(EmailExportReason::SettingIsDoNotExport),
            invalid,
            Ok(EmailExportReason::Exported),
            invalid,
            invalid,
            Ok(EmailExportReason::MemberUnknown),
            Ok(EmailExportReason::SentBeforeExportWasEnabled),
        ];
        assert_eq!(results, expected);
        // The answer is that of the single check, apart from revision and age.
        let single = ask(server.email_export(), question(&org, "ada")).await.unwrap();
        assert_eq!(answer.revision, single.revision);
        assert!(answer.age.is_some());
        let alone = CheckEmailExportResponse { revision: String::new(), age: None, ..single };
        assert_eq!(answer.results[2].result, Some(ItemResult::Response(alone)));
    }
    let Some(ItemResult::Status(both)) =
        batch(&server, &org, items, EmailExportView::Full, false).await.results[4].result.clone()
    else {
        panic!("the item without a subject has an answer")
    };
    assert!(both.message.contains("subject: ") && both.message.contains("sent_time: "), "{}", both.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_decision_leaves_strings_out() {
    let server = TestServer::start().await;
    let org = create(&server, "acme").await;
    let items = vec![by_email(org.email("ada")), by_member(org.member("cid"))];
    let short = |export, reason: EmailExportReason| CheckEmailExportResponse {
        export,
        reason: reason.into(),
        ..Default::default()
    };
    for fully_consistent in [false, true] {
        let answer = batch(&server, &org, items.clone(), EmailExportView::Decision, fully_consistent).await;
        let results: Vec<ItemResult> = answer.results.into_iter().map(|result| result.result.unwrap()).collect();
        let expected =
            [short(true, EmailExportReason::Exported), short(false, EmailExportReason::SettingIsDoNotExport)];
        assert_eq!(results, expected.map(ItemResult::Response));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_one_to_ten_thousand_items() {
    let server = TestServer::start().await;
    let org = create(&server, "acme").await;
    let items = |count: usize| vec![by_email(org.email("ada")); count];
    for fully_consistent in [false, true] {
        let full = batch(&server, &org, items(10_000), EmailExportView::Decision, fully_consistent).await;
        assert_eq!(full.results.len(), 10_000);
    }
    for count in [0, 10_001] {
        let request = BatchCheckEmailExportRequest { parent: org.name(), items: items(count), ..Default::default() };
        let refused = refused(server.email_export().batch_check_email_export(request)).await;
        assert!(refused.starts_with("InvalidArgument INVALID_REQUEST items"), "{refused}");
    }
    let request = BatchCheckEmailExportRequest { parent: org.name(), items: items(1), view: 7, ..Default::default() };
    let refused = refused(server.email_export().batch_check_email_export(request)).await;
    assert!(refused.starts_with("InvalidArgument INVALID_REQUEST view"), "{refused}");
}
