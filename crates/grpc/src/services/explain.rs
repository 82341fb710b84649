//! `MemberService`: where a member stands, what they have, and what they had.

use rollcall_domain::history::Recorded;
use rollcall_proto::v1;
use tonic::{Request, Response, Status};

use super::Services;
use crate::{
    convert::{
        explain::{to_export_at_time, to_export_change, to_origin, to_verdict},
        members::to_member,
        parse_timestamp,
    },
    names,
    request::Checks,
    status::to_status,
    tokens,
};

impl Services {
    pub(super) async fn explain(
        &self,
        request: Request<v1::ExplainMemberRequest>,
    ) -> Result<Response<v1::ExplainMemberResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let name = checks.take("name", names::parse_member(&request.name));
        let at_least = checks.at_least(name.as_ref().map(|(organization, _)| organization), &request.at_least_revision);
        let (organization, member) = checks.finish_with(name)?;
        let read = self.app.explain_member(&organization, &member, at_least).await.map_err(to_status)?;
        let explained = read.value;
        let own = &explained.member.assignment;
        let (winner, others): (Vec<_>, Vec<_>) =
            explained.verdicts.iter().partition(|explained| explained.assignment == *own);
        Ok(Response::new(v1::ExplainMemberResponse {
            member: Some(to_member(&organization, &explained.member)),
            winner: winner.first().map(|verdict| to_verdict(&organization, verdict)),
            others: others.iter().map(|verdict| to_verdict(&organization, verdict)).collect(),
            settings: explained.settings.iter().map(|origin| to_origin(&organization, origin)).collect(),
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    pub(super) async fn export_changes(
        &self,
        request: Request<v1::ListEmailExportChangesRequest>,
    ) -> Result<Response<v1::ListEmailExportChangesResponse>, Status> {
        const METHOD: &str = "ListEmailExportChanges";
        let request = request.into_inner();
        let (parent, time) = (request.parent.clone(), request.time);
        let arguments = v1::ListEmailExportChangesRequest { parent, time, ..Default::default() };
        let mut checks = Checks::new();
        let name = checks.take("parent", names::parse_member(&request.parent));
        let time = time.and_then(|time| checks.take("time", parse_timestamp(time)));
        let at_least = checks.at_least(name.as_ref().map(|(organization, _)| organization), &request.at_least_revision);
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let (organization, member) = checks.finish_with(name)?;
        let before = page.after.as_deref().and_then(|revision| revision.parse().ok());
        let limits = (before, page.size + 1);
        let listed = self.app.list_email_export_changes(&organization, &member, time, limits, at_least);
        let read = listed.await.map_err(to_status)?;
        let at_time = Some(to_export_at_time(&read.value));
        let show = |recorded: &Recorded| to_export_change(&organization, recorded);
        let changes = &read.value.changes;
        let (changes, next_page_token) =
            self.shown((METHOD, &arguments), &page, changes, show, |_, last| last.revision.to_string());
        Ok(Response::new(v1::ListEmailExportChangesResponse {
            changes,
            next_page_token,
            revision: tokens::revision(&organization, read.revision),
            at_time,
        }))
    }
}
