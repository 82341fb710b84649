//! `AssignmentService`.

use rollcall_app::{
    Changed,
    assignments::{AssignmentView, Update},
};
use rollcall_domain::{Assignment, AssignmentId, OrganizationId, Violation, refusal::ViolationKind};
use rollcall_proto::v1::{self, assignment_service_server::AssignmentService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Services, optional_id};
use crate::{
    convert::{
        assignments::{Given, to_assignment},
        caller,
        settings::SETTINGS_PATHS,
        to_preview,
    },
    masks::Mask,
    names,
    request::Checks,
    status::{invalid, to_status},
    tokens,
};

#[tonic::async_trait]
impl AssignmentService for Services {
    async fn create_assignment(
        &self,
        request: Request<v1::CreateAssignmentRequest>,
    ) -> Result<Response<v1::CreateAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !request.request_id.is_empty());
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let id = optional_id(&mut checks, "assignment_id", &request.assignment_id, AssignmentId::parse);
        checks.require(request.position >= 0, "position", "the position must not be negative; 0 means the end");
        let given = Given::read(&mut checks, organization.as_ref(), request.assignment.unwrap_or_default());
        let organization = checks.finish_with(organization)?;
        // A UUID may begin with a digit, an id may not.
        let new = given.into_new(id.unwrap_or_else(|| AssignmentId::trusted(format!("a-{}", Uuid::now_v7()))));
        let position = u32::try_from(request.position).ok().filter(|position| *position > 0);
        let caller = caller("CreateAssignment", request.validate_only);
        let changed =
            self.app.create_assignment(&caller, &organization, &new, position).await.map_err(at_assignment)?;
        let (assignment, preview, revision) = rendered(&organization, &changed);
        Ok(Response::new(v1::CreateAssignmentResponse { assignment, warnings: Vec::new(), preview, revision }))
    }

    async fn get_assignment(
        &self,
        request: Request<v1::GetAssignmentRequest>,
    ) -> Result<Response<v1::GetAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let name = checks.take("name", names::parse_assignment(&request.name));
        let at_least = checks.at_least(name.as_ref().map(|(organization, _)| organization), &request.at_least_revision);
        let (organization, id) = checks.finish_with(name)?;
        let read = self.app.get_assignment(&organization, &id, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::GetAssignmentResponse {
            assignment: Some(to_assignment(&organization, &read.value)),
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    async fn list_assignments(
        &self,
        request: Request<v1::ListAssignmentsRequest>,
    ) -> Result<Response<v1::ListAssignmentsResponse>, Status> {
        const METHOD: &str = "ListAssignments";
        let request = request.into_inner();
        let arguments = v1::ListAssignmentsRequest { parent: request.parent.clone(), ..Default::default() };
        let mut checks = Checks::new();
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let organization = checks.finish_with(organization)?;
        let after = page.after.as_deref().and_then(|rank| rank.parse().ok()).unwrap_or(0);
        let limit = usize::try_from(page.size).unwrap_or(usize::MAX).saturating_add(1);
        let read = self.app.list_assignments(&organization, after, limit, at_least).await.map_err(to_status)?;
        let mut views = read.value;
        let next_page_token = self.next(METHOD, &arguments, &page, &mut views, |view| view.rank.to_string());
        Ok(Response::new(v1::ListAssignmentsResponse {
            assignments: views.iter().map(|view| to_assignment(&organization, view)).collect(),
            next_page_token,
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    async fn update_assignment(
        &self,
        request: Request<v1::UpdateAssignmentRequest>,
    ) -> Result<Response<v1::UpdateAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !request.request_id.is_empty());
        let assignment = request.assignment.unwrap_or_default();
        let name = checks.take("assignment.name", names::parse_assignment(&assignment.name));
        let etag = Some(assignment.etag.clone()).filter(|etag| !etag.is_empty());
        let given = Given::read(&mut checks, name.as_ref().map(|(organization, _)| organization), assignment);
        let mask = read_mask(&mut checks, request.update_mask);
        let (organization, id) = checks.finish_with(name)?;
        let caller = caller("UpdateAssignment", request.validate_only);
        let edit = |current: &Assignment| given.to_edit(&mask, current);
        let update = Update { assignment: &id, etag: etag.as_deref(), edit: &edit };
        let changed = self.app.update_assignment(&caller, &organization, &update).await.map_err(at_assignment)?;
        let (assignment, preview, revision) = rendered(&organization, &changed);
        Ok(Response::new(v1::UpdateAssignmentResponse { assignment, warnings: Vec::new(), preview, revision }))
    }

    async fn delete_assignment(
        &self,
        request: Request<v1::DeleteAssignmentRequest>,
    ) -> Result<Response<v1::DeleteAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !request.request_id.is_empty());
        let name = checks.take("name", names::parse_assignment(&request.name));
        let (organization, id) = checks.finish_with(name)?;
        let caller = caller("DeleteAssignment", request.validate_only);
        let etag = Some(request.etag.as_str()).filter(|etag| !etag.is_empty());
        let deleted = self.app.delete_assignment(&caller, &organization, &id, request.resolve_members, etag);
        let changed = deleted.await.map_err(to_status)?;
        Ok(Response::new(v1::DeleteAssignmentResponse {
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            revision: tokens::revision(&organization, changed.revision),
        }))
    }

    async fn move_assignment(
        &self,
        request: Request<v1::MoveAssignmentRequest>,
    ) -> Result<Response<v1::MoveAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !request.request_id.is_empty());
        let name = checks.take("name", names::parse_assignment(&request.name));
        let position = u32::try_from(request.position).unwrap_or(0);
        checks.require(position > 0, "position", "the position must be 1 or more");
        let (organization, id) = checks.finish_with(name)?;
        let caller = caller("MoveAssignment", request.validate_only);
        let etag = Some(request.etag.as_str()).filter(|etag| !etag.is_empty());
        let moved = self.app.move_assignment(&caller, &organization, &id, position, etag);
        let changed = moved.await.map_err(to_status)?;
        let (assignment, preview, revision) = rendered(&organization, &changed);
        Ok(Response::new(v1::MoveAssignmentResponse { assignment, preview, revision }))
    }
}

fn rendered(
    organization: &OrganizationId,
    changed: &Changed<AssignmentView>,
) -> (Option<v1::Assignment>, Option<v1::Preview>, String) {
    (
        Some(to_assignment(organization, &changed.value)),
        changed.preview.as_ref().map(|preview| to_preview(organization, preview)),
        tokens::revision(organization, changed.revision),
    )
}

fn read_mask(checks: &mut Checks, mask: Option<prost_types::FieldMask>) -> Mask {
    let mut allowed = vec!["display_name", "groups", "update_mode", "email_export"];
    allowed.extend(SETTINGS_PATHS);
    let rank = |path: &str| {
        let description = "the rank is the list's; MoveAssignment changes it";
        (path == "rank").then(|| Violation::new(ViolationKind::InvalidRequest, "update_mask", description))
    };
    match Mask::parse(mask, &allowed, rank) {
        Ok(mask) => mask,
        Err(found) => {
            found.into_iter().for_each(|violation| checks.push(violation));
            Mask::Populated
        }
    }
}

/// The domain knows fields of an assignment; the request has them in one message.
fn at_assignment(error: rollcall_app::Error) -> Status {
    use rollcall_domain::Refusal;
    match error {
        rollcall_app::Error::Refused(Refusal::Invalid(violations)) => {
            let own = |field: &str| field.starts_with("assignment") || field == "position";
            let placed = |v: Violation| if own(&v.field) { v } else { v.at("assignment") };
            invalid(violations.into_iter().map(placed).collect())
        }
        other => to_status(other),
    }
}
