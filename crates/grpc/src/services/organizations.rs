//! `OrganizationService`.

use rollcall_app::{
    Changed,
    organizations::{CatalogView, OrganizationView, Update},
};
use rollcall_domain::{OrganizationId, Violation};
use rollcall_proto::v1::{self, organization_service_server::OrganizationService};
use tonic::{Request, Response, Status};

use super::{Services, optional_id};
use crate::{
    asked::{Asked, respond},
    convert::{
        catalog,
        organizations::{Given, PATHS, to_organization},
        to_preview, to_warnings,
    },
    masks::Mask,
    names,
    request::Checks,
    status::to_status,
    tokens,
};

#[tonic::async_trait]
impl OrganizationService for Services {
    async fn create_organization(
        &self,
        request: Request<v1::CreateOrganizationRequest>,
    ) -> Result<Response<v1::CreateOrganizationResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let id = optional_id(&mut checks, "organization_id", &request.organization_id, OrganizationId::parse);
        let given = Given::read(&mut checks, request.organization.unwrap_or_default());
        checks.finish()?;
        let create = given.into_create(id);
        let render = |created: &Changed<OrganizationView>| v1::CreateOrganizationResponse {
            organization: Some(to_organization(&created.value)),
            revision: tokens::revision(&created.value.id, created.revision),
            preview: created.preview.as_ref().map(|preview| to_preview(&created.value.id, preview)),
        };
        let call = asked.call(&render);
        let created = self.app.create_organization(&call, create);
        respond(created.await.map_err(to_status)?, render)
    }

    async fn get_organization(
        &self,
        request: Request<v1::GetOrganizationRequest>,
    ) -> Result<Response<v1::GetOrganizationResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let id = checks.take("name", names::parse_organization(&request.name));
        let at_least = checks.at_least(id.as_ref(), &request.at_least_revision);
        let id = checks.finish_with(id)?;
        let read = self.app.get_organization(&id, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::GetOrganizationResponse {
            organization: Some(to_organization(&read.value)),
            revision: tokens::revision(&id, read.revision),
        }))
    }

    async fn list_organizations(
        &self,
        request: Request<v1::ListOrganizationsRequest>,
    ) -> Result<Response<v1::ListOrganizationsResponse>, Status> {
        const METHOD: &str = "ListOrganizations";
        let request = request.into_inner();
        let arguments = v1::ListOrganizationsRequest::default();
        let mut checks = Checks::new();
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        checks.finish()?;
        let listed = self.app.list_organizations(page.after.as_deref(), page.size + 1);
        let views = listed.await.map_err(to_status)?;
        let (organizations, next_page_token) =
            self.shown((METHOD, &arguments), &page, &views, to_organization, |_, last| last.id.to_string());
        Ok(Response::new(v1::ListOrganizationsResponse { organizations, next_page_token }))
    }

    async fn update_organization(
        &self,
        request: Request<v1::UpdateOrganizationRequest>,
    ) -> Result<Response<v1::UpdateOrganizationResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let organization = request.organization.unwrap_or_default();
        let id = checks.take("organization.name", names::parse_organization(&organization.name));
        let etag = Some(organization.etag.clone()).filter(|etag| !etag.is_empty());
        let given = Given::read(&mut checks, organization);
        let whole = Mask::is_of_all(request.update_mask.as_ref());
        let mask = read_mask(&mut checks, request.update_mask);
        let id = checks.finish_with(id)?;
        // Beside a mask it is one of the fields that the mask does not take.
        let phase = given.phase.filter(|_| whole);
        let update = Update { etag: etag.as_deref(), phase, edit: given.into_edit(&mask) };
        let render = |changed: &Changed<OrganizationView>| v1::UpdateOrganizationResponse {
            organization: Some(to_organization(&changed.value)),
            preview: changed.preview.as_ref().map(|preview| to_preview(&id, preview)),
            revision: tokens::revision(&id, changed.revision),
        };
        let call = asked.call(&render);
        let updated = self.app.update_organization(&call, &id, &update);
        respond(updated.await.map_err(to_status)?, render)
    }

    async fn get_catalog(
        &self,
        request: Request<v1::GetCatalogRequest>,
    ) -> Result<Response<v1::GetCatalogResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let id = checks.take("name", names::parse_singleton(&request.name, "catalog"));
        let at_least = checks.at_least(id.as_ref(), &request.at_least_revision);
        let id = checks.finish_with(id)?;
        let read = self.app.get_catalog(&id, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::GetCatalogResponse {
            catalog: Some(catalog::to_catalog(&id, &read.value)),
            revision: tokens::revision(&id, read.revision),
        }))
    }

    async fn update_catalog(
        &self,
        request: Request<v1::UpdateCatalogRequest>,
    ) -> Result<Response<v1::UpdateCatalogResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let given = request.catalog.unwrap_or_default();
        let id = checks.take("catalog.name", names::parse_singleton(&given.name, "catalog"));
        checks.require(!given.etag.is_empty(), "catalog.etag", "the etag is required: take it from GetCatalog");
        let etag = given.etag.clone();
        let document = catalog::parse_catalog(&mut checks, given);
        document.violations().into_iter().for_each(|violation| checks.push(violation.at("catalog")));
        let id = checks.finish_with(id)?;
        let render = |changed: &Changed<CatalogView>| v1::UpdateCatalogResponse {
            catalog: Some(catalog::to_catalog(&id, &changed.value)),
            revision: tokens::revision(&id, changed.revision),
            warnings: to_warnings(&id, &changed.warnings),
            preview: changed.preview.as_ref().map(|preview| to_preview(&id, preview)),
        };
        let call = asked.call(&render);
        let updated = self.app.update_catalog(&call, &id, &document, &etag);
        respond(updated.await.map_err(to_status)?, render)
    }
}

fn read_mask(checks: &mut Checks, mask: Option<prost_types::FieldMask>) -> Mask {
    let phase = |path: &str| {
        let description = "only the migration changes the phase; leave it out of the mask";
        (path == "phase").then(|| Violation::invalid("update_mask", description))
    };
    Mask::read(checks, mask, &PATHS, phase)
}
