//! `AssignmentService`.

use rollcall_app::assignments::{AssignmentView, Listed, MixedAssignment, Update};
use rollcall_domain::{Assignment, AssignmentId, Violation, names, refusal::ViolationKind};
use rollcall_proto::v1::{self, assignment_service_server::AssignmentService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Services, optional_etag};
use crate::{
    call::{parse_read, respond},
    checks::Checks,
    convert::{
        Effects,
        assignments::{AssignmentFields, to_assignment},
        lint::{to_finding, to_mixed},
        settings::SETTINGS_PATHS,
        to_effects,
    },
    list_cursor::ListCursor,
    masks::Mask,
    mutation::Mutation,
    pages::Page,
    status::place_violations,
    tokens,
};

#[tonic::async_trait]
impl AssignmentService for Services {
    async fn create_assignment(
        &self,
        request: Request<v1::CreateAssignmentRequest>,
    ) -> Result<Response<v1::CreateAssignmentResponse>, Status> {
        let (mutation, (organization, new, position)) = Mutation::parse(request.into_inner(), |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let id = checks.optional_id("assignment_id", &request.assignment_id, AssignmentId::parse);
            checks.require(request.position >= 0, "position", "the position must not be negative; 0 means the end");
            let fields = AssignmentFields::parse(checks, request.assignment.unwrap_or_default());
            fields.check_new(checks);
            // An id begins with a letter, a UUID need not.
            let new = fields.into_new(id.unwrap_or_else(|| AssignmentId::trusted(format!("a-{}", Uuid::now_v7()))));
            let position = u32::try_from(request.position).ok().filter(|position| *position > 0);
            Some((organization?, new, position))
        })?;
        mutation
            .run(
                async |call| {
                    let created = self.app.create_assignment(call, &organization, &new, position).await;
                    created.map_err(|error| place_violations(error, "assignment"))
                },
                |created| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, created);
                    let assignment = Some(to_assignment(&organization, &created.value));
                    v1::CreateAssignmentResponse { assignment, warnings, preview, revision }
                },
            )
            .await
    }

    async fn get_assignment(
        &self,
        request: Request<v1::GetAssignmentRequest>,
    ) -> Result<Response<v1::GetAssignmentResponse>, Status> {
        let ((organization, id), at_least) =
            parse_read(request, |request, checks| checks.resource("name", names::parse_assignment(&request.name)))?;
        respond(self.app.get_assignment(&organization, &id, at_least).await, |found| v1::GetAssignmentResponse {
            assignment: Some(to_assignment(&organization, &found.value)),
            revision: tokens::revision(&organization, found.revision),
        })
    }

    async fn list_assignments(
        &self,
        request: Request<v1::ListAssignmentsRequest>,
    ) -> Result<Response<v1::ListAssignmentsResponse>, Status> {
        let (organization, page) = self.pages.parse_list(request, |request, checks| {
            checks.organization("parent", names::parse_organization(&request.parent))
        })?;
        let listed = ListCursor::parse(page.after());
        let unlisted = |id: &AssignmentId| !listed.contains(id);
        let found = self.app.list_assignments(&organization, &unlisted, limit(&page), page.at_least()).await;
        respond(found, |found| {
            let Listed { assignments, etag } = found.value;
            let render = |view: &AssignmentView| to_assignment(&organization, view);
            let cursor = |rendered: &[AssignmentView], _: &AssignmentView| {
                listed.with(rendered.iter().map(|view| &view.assignment.id))
            };
            let (assignments, next_page_token) = page.render(&assignments, render, cursor);
            let revision = tokens::revision(&organization, found.revision);
            v1::ListAssignmentsResponse { assignments, next_page_token, revision, etag }
        })
    }

    async fn update_assignment(
        &self,
        request: Request<v1::UpdateAssignmentRequest>,
    ) -> Result<Response<v1::UpdateAssignmentResponse>, Status> {
        let (mutation, (organization, id, etag, fields, mask)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let assignment = request.assignment.unwrap_or_default();
                let name = checks.resource("assignment.name", names::parse_assignment(&assignment.name));
                let etag = assignment.etag.clone();
                let fields = AssignmentFields::parse(checks, assignment);
                let mask = parse_mask(checks, request.update_mask);
                fields.check_edit(checks, &mask, name.as_ref().is_some_and(|(_, id)| id.is_default()));
                let (organization, id) = name?;
                Some((organization, id, etag, fields, mask))
            })?;
        mutation
            .run(
                async |call| {
                    let edit = |current: &Assignment| fields.to_edit(&mask, current);
                    let update = Update { assignment: &id, etag: optional_etag(&etag), edit: &edit };
                    let updated = self.app.update_assignment(call, &organization, &update).await;
                    updated.map_err(|error| place_violations(error, "assignment"))
                },
                |updated| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, updated);
                    let assignment = Some(to_assignment(&organization, &updated.value));
                    v1::UpdateAssignmentResponse { assignment, warnings, preview, revision }
                },
            )
            .await
    }

    async fn delete_assignment(
        &self,
        request: Request<v1::DeleteAssignmentRequest>,
    ) -> Result<Response<v1::DeleteAssignmentResponse>, Status> {
        let (mutation, (organization, id, resolve_members, etag)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let (organization, id) = checks.resource("name", names::parse_assignment(&request.name))?;
                Some((organization, id, request.resolve_members, request.etag))
            })?;
        mutation
            .run(
                async |call| {
                    let etag = optional_etag(&etag);
                    self.app.delete_assignment(call, &organization, &id, resolve_members, etag).await
                },
                |deleted| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, deleted);
                    v1::DeleteAssignmentResponse { preview, revision, warnings }
                },
            )
            .await
    }

    async fn move_assignment(
        &self,
        request: Request<v1::MoveAssignmentRequest>,
    ) -> Result<Response<v1::MoveAssignmentResponse>, Status> {
        let (mutation, (organization, id, position, etag)) =
            Mutation::parse(request.into_inner(), |request, checks| {
                let name = checks.resource("name", names::parse_assignment(&request.name));
                let position = u32::try_from(request.position).unwrap_or(0);
                checks.require(position > 0, "position", "the position must be 1 or more");
                let (organization, id) = name?;
                Some((organization, id, position, request.etag))
            })?;
        mutation
            .run(
                async |call| self.app.move_assignment(call, &organization, &id, position, optional_etag(&etag)).await,
                |moved| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, moved);
                    let assignment = Some(to_assignment(&organization, &moved.value));
                    v1::MoveAssignmentResponse { assignment, preview, revision, warnings }
                },
            )
            .await
    }

    async fn reorder_assignments(
        &self,
        request: Request<v1::ReorderAssignmentsRequest>,
    ) -> Result<Response<v1::ReorderAssignmentsResponse>, Status> {
        let (mutation, (organization, order, etag)) = Mutation::parse(request.into_inner(), |request, checks| {
            let organization = checks.organization("parent", names::parse_organization(&request.parent));
            let order = checks.names("assignments", &request.assignments, names::parse_assignment);
            checks.require(!request.etag.is_empty(), "etag", "give the etag of the order, from ListAssignments");
            Some((organization?, order, request.etag))
        })?;
        mutation
            .run(
                async |call| self.app.reorder_assignments(call, &organization, &order, &etag).await,
                |reordered| {
                    let Effects { preview, warnings, revision } = to_effects(&organization, reordered);
                    v1::ReorderAssignmentsResponse { etag: reordered.value.clone(), preview, revision, warnings }
                },
            )
            .await
    }

    async fn list_mixed_assignments(
        &self,
        request: Request<v1::ListMixedAssignmentsRequest>,
    ) -> Result<Response<v1::ListMixedAssignmentsResponse>, Status> {
        let (organization, page) = self.pages.parse_list(request, |request, checks| {
            checks.organization("parent", names::parse_organization(&request.parent))
        })?;
        let listed = ListCursor::parse(page.after());
        let unlisted = |id: &AssignmentId| !listed.contains(id);
        let found = self.app.list_mixed_assignments(&organization, &unlisted, limit(&page), page.at_least()).await;
        respond(found, |found| {
            let render = |mixed: &MixedAssignment| to_mixed(&organization, mixed);
            let cursor = |rendered: &[MixedAssignment], _: &MixedAssignment| {
                listed.with(rendered.iter().map(|mixed| &mixed.assignment.id))
            };
            let (mixed_assignments, next_page_token) = page.render(&found.value, render, cursor);
            let revision = tokens::revision(&organization, found.revision);
            v1::ListMixedAssignmentsResponse { mixed_assignments, next_page_token, revision }
        })
    }

    async fn lint_assignments(
        &self,
        request: Request<v1::LintAssignmentsRequest>,
    ) -> Result<Response<v1::LintAssignmentsResponse>, Status> {
        let (organization, at_least) = parse_read(request, |request, checks| {
            checks.organization("parent", names::parse_organization(&request.parent))
        })?;
        respond(self.app.lint_assignments(&organization, at_least).await, |found| v1::LintAssignmentsResponse {
            findings: found.value.iter().map(|finding| to_finding(&organization, finding)).collect(),
            revision: tokens::revision(&organization, found.revision),
        })
    }
}

fn limit(page: &Page) -> usize {
    usize::try_from(page.limit()).unwrap_or(usize::MAX)
}

fn parse_mask(checks: &mut Checks, mask: Option<prost_types::FieldMask>) -> Mask {
    let mut allowed = vec!["display_name", "groups", "update_mode", "email_export"];
    allowed.extend(SETTINGS_PATHS);
    let rank = |path: &str| {
        let description = "the list determines the rank; change it with MoveAssignment";
        (path == "rank").then(|| Violation::new(ViolationKind::InvalidRequest, "update_mask", description))
    };
    Mask::read(checks, mask, &allowed, rank)
}
