//! The list of assignments as a whole: reading it page by page, its order, what of it is mixed, and what is odd.

use rollcall_app::{
    Changed,
    assignments::{AssignmentView, Listed, MixedAssignment},
};
use rollcall_domain::AssignmentId;
use rollcall_proto::v1;
use tonic::{Response, Status};

use super::{Page, Services};
use crate::{
    asked::{Asked, respond},
    convert::{
        assignments::to_assignment,
        lint::{to_finding, to_mixed},
        to_preview, to_warnings,
    },
    names,
    request::Checks,
    seen::Seen,
    status::to_status,
    tokens,
};

impl Services {
    pub(super) async fn list_assignments_page(
        &self,
        request: v1::ListAssignmentsRequest,
    ) -> Result<Response<v1::ListAssignmentsResponse>, Status> {
        const METHOD: &str = "ListAssignments";
        let arguments = v1::ListAssignmentsRequest { parent: request.parent.clone(), ..Default::default() };
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let organization = checks.finish_with(organization)?;
        let seen = Seen::read(page.after.as_deref());
        let unseen = |id: &AssignmentId| seen.lacks(id);
        let read =
            self.app.list_assignments(&organization, &unseen, limit(&page), at_least).await.map_err(to_status)?;
        let Listed { assignments: views, etag } = read.value;
        let show = |view: &AssignmentView| to_assignment(&organization, view);
        let cursor =
            |shown: &[AssignmentView], _: &AssignmentView| seen.with(shown.iter().map(|view| &view.assignment.id));
        let (assignments, next_page_token) = self.shown((METHOD, &arguments), &page, &views, show, cursor);
        Ok(Response::new(v1::ListAssignmentsResponse {
            assignments,
            next_page_token,
            revision: tokens::revision(&organization, read.revision),
            etag,
        }))
    }

    pub(super) async fn list_mixed_assignments_page(
        &self,
        request: v1::ListMixedAssignmentsRequest,
    ) -> Result<Response<v1::ListMixedAssignmentsResponse>, Status> {
        const METHOD: &str = "ListMixedAssignments";
        let arguments = v1::ListMixedAssignmentsRequest { parent: request.parent.clone(), ..Default::default() };
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let organization = checks.finish_with(organization)?;
        let seen = Seen::read(page.after.as_deref());
        let unseen = |id: &AssignmentId| seen.lacks(id);
        let listed = self.app.list_mixed_assignments(&organization, &unseen, limit(&page), at_least);
        let read = listed.await.map_err(to_status)?;
        let show = |mixed: &MixedAssignment| to_mixed(&organization, mixed);
        let cursor =
            |shown: &[MixedAssignment], _: &MixedAssignment| seen.with(shown.iter().map(|mixed| &mixed.assignment.id));
        let (mixed_assignments, next_page_token) = self.shown((METHOD, &arguments), &page, &read.value, show, cursor);
        Ok(Response::new(v1::ListMixedAssignmentsResponse {
            mixed_assignments,
            next_page_token,
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    pub(super) async fn reorder(
        &self,
        request: v1::ReorderAssignmentsRequest,
    ) -> Result<Response<v1::ReorderAssignmentsResponse>, Status> {
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let order = request.assignments.iter();
        let order = order.map(|name| names::within(organization.as_ref(), name, names::parse_assignment(name)));
        let order = checks.take_all("assignments", order);
        checks.require(!request.etag.is_empty(), "etag", "give the etag of the order, from ListAssignments");
        let organization = checks.finish_with(organization)?;
        let render = |changed: &Changed<String>| v1::ReorderAssignmentsResponse {
            etag: changed.value.clone(),
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            revision: tokens::revision(&organization, changed.revision),
            warnings: to_warnings(&organization, &changed.warnings),
        };
        let call = asked.call(&render);
        let reordered = self.app.reorder_assignments(&call, &organization, &order, &request.etag);
        respond(reordered.await.map_err(to_status)?, render)
    }

    pub(super) async fn lint(
        &self,
        request: v1::LintAssignmentsRequest,
    ) -> Result<Response<v1::LintAssignmentsResponse>, Status> {
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let organization = checks.finish_with(organization)?;
        let read = self.app.lint_assignments(&organization, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::LintAssignmentsResponse {
            findings: read.value.iter().map(|finding| to_finding(&organization, finding)).collect(),
            revision: tokens::revision(&organization, read.revision),
        }))
    }
}

/// One more than the page has, so that it shows whether there is another one.
fn limit(page: &Page) -> usize {
    page.size().saturating_add(1)
}
