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
    asked::{Asked, respond},
    convert::{
        assignments::{Given, to_assignment},
        settings::SETTINGS_PATHS,
        to_preview, to_warnings,
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
        let asked = Asked::read(&mut checks, &request);
        let organization = checks.take("parent", names::parse_organization(&request.parent));
        let id = optional_id(&mut checks, "assignment_id", &request.assignment_id, AssignmentId::parse);
        checks.require(request.position >= 0, "position", "the position must not be negative; 0 means the end");
        let given = Given::read(&mut checks, organization.as_ref(), request.assignment.unwrap_or_default());
        given.check_new(&mut checks);
        let organization = checks.finish_with(organization)?;
        // A UUID may begin with a digit, an id may not.
        let new = given.into_new(id.unwrap_or_else(|| AssignmentId::trusted(format!("a-{}", Uuid::now_v7()))));
        let position = u32::try_from(request.position).ok().filter(|position| *position > 0);
        let render = |changed: &Changed<AssignmentView>| {
            let Rendered { assignment, preview, warnings, revision } = rendered(&organization, changed);
            v1::CreateAssignmentResponse { assignment, warnings, preview, revision }
        };
        let call = asked.call(&render);
        let created = self.app.create_assignment(&call, &organization, &new, position);
        respond(created.await.map_err(at_assignment)?, render)
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
        self.list_assignments_page(request.into_inner()).await
    }

    async fn update_assignment(
        &self,
        request: Request<v1::UpdateAssignmentRequest>,
    ) -> Result<Response<v1::UpdateAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let assignment = request.assignment.unwrap_or_default();
        let name = checks.take("assignment.name", names::parse_assignment(&assignment.name));
        let etag = Some(assignment.etag.clone()).filter(|etag| !etag.is_empty());
        let given = Given::read(&mut checks, name.as_ref().map(|(organization, _)| organization), assignment);
        let mask = read_mask(&mut checks, request.update_mask);
        given.check_edit(&mut checks, &mask, name.as_ref().is_some_and(|(_, id)| id.is_default()));
        let (organization, id) = checks.finish_with(name)?;
        let edit = |current: &Assignment| given.to_edit(&mask, current);
        let update = Update { assignment: &id, etag: etag.as_deref(), edit: &edit };
        let render = |changed: &Changed<AssignmentView>| {
            let Rendered { assignment, preview, warnings, revision } = rendered(&organization, changed);
            v1::UpdateAssignmentResponse { assignment, warnings, preview, revision }
        };
        let call = asked.call(&render);
        let updated = self.app.update_assignment(&call, &organization, &update);
        respond(updated.await.map_err(at_assignment)?, render)
    }

    async fn delete_assignment(
        &self,
        request: Request<v1::DeleteAssignmentRequest>,
    ) -> Result<Response<v1::DeleteAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let name = checks.take("name", names::parse_assignment(&request.name));
        let (organization, id) = checks.finish_with(name)?;
        let etag = Some(request.etag.as_str()).filter(|etag| !etag.is_empty());
        let render = |changed: &Changed<()>| v1::DeleteAssignmentResponse {
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            revision: tokens::revision(&organization, changed.revision),
            warnings: to_warnings(&organization, &changed.warnings),
        };
        let call = asked.call(&render);
        let deleted = self.app.delete_assignment(&call, &organization, &id, request.resolve_members, etag);
        respond(deleted.await.map_err(to_status)?, render)
    }

    async fn move_assignment(
        &self,
        request: Request<v1::MoveAssignmentRequest>,
    ) -> Result<Response<v1::MoveAssignmentResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let name = checks.take("name", names::parse_assignment(&request.name));
        let position = u32::try_from(request.position).unwrap_or(0);
        checks.require(position > 0, "position", "the position must be 1 or more");
        let (organization, id) = checks.finish_with(name)?;
        let etag = Some(request.etag.as_str()).filter(|etag| !etag.is_empty());
        let render = |changed: &Changed<AssignmentView>| {
            let Rendered { assignment, preview, warnings, revision } = rendered(&organization, changed);
            v1::MoveAssignmentResponse { assignment, preview, revision, warnings }
        };
        let call = asked.call(&render);
        let moved = self.app.move_assignment(&call, &organization, &id, position, etag);
        respond(moved.await.map_err(to_status)?, render)
    }

    async fn reorder_assignments(
        &self,
        request: Request<v1::ReorderAssignmentsRequest>,
    ) -> Result<Response<v1::ReorderAssignmentsResponse>, Status> {
        self.reorder(request.into_inner()).await
    }

    async fn list_mixed_assignments(
        &self,
        request: Request<v1::ListMixedAssignmentsRequest>,
    ) -> Result<Response<v1::ListMixedAssignmentsResponse>, Status> {
        self.list_mixed_assignments_page(request.into_inner()).await
    }

    async fn lint_assignments(
        &self,
        request: Request<v1::LintAssignmentsRequest>,
    ) -> Result<Response<v1::LintAssignmentsResponse>, Status> {
        self.lint(request.into_inner()).await
    }
}

/// What the answer of every change of one assignment has.
struct Rendered {
    assignment: Option<v1::Assignment>,
    preview: Option<v1::Preview>,
    warnings: Vec<v1::Warning>,
    revision: String,
}

fn rendered(organization: &OrganizationId, changed: &Changed<AssignmentView>) -> Rendered {
    Rendered {
        assignment: Some(to_assignment(organization, &changed.value)),
        preview: changed.preview.as_ref().map(|preview| to_preview(organization, preview)),
        warnings: to_warnings(organization, &changed.warnings),
        revision: tokens::revision(organization, changed.revision),
    }
}

fn read_mask(checks: &mut Checks, mask: Option<prost_types::FieldMask>) -> Mask {
    let mut allowed = vec!["display_name", "groups", "update_mode", "email_export"];
    allowed.extend(SETTINGS_PATHS);
    let rank = |path: &str| {
        let description = "the rank is the list's; MoveAssignment changes it";
        (path == "rank").then(|| Violation::new(ViolationKind::InvalidRequest, "update_mask", description))
    };
    Mask::read(checks, mask, &allowed, rank)
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
