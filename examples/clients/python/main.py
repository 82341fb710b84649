"""An example client of Rollcall, see docs/clients.md. It creates its own organization, and fails if a response is not
as expected.

    buf generate ../../../proto && python3 main.py localhost:50051
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from rollcall.v1 import (
    assignment_pb2,
    assignment_service_pb2,
    assignment_service_pb2_grpc,
    directory_service_pb2,
    directory_service_pb2_grpc,
    email_export_service_pb2,
    email_export_service_pb2_grpc,
    member_pb2,
    member_service_pb2,
    member_service_pb2_grpc,
    organization_service_pb2,
    organization_service_pb2_grpc,
    settings_pb2,
)

PEOPLE = 25


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python3 main.py HOST:PORT")
    with connect(sys.argv[1]) as channel:
        run(channel)


def run(channel: grpc.Channel) -> None:
    assignments = assignment_service_pb2_grpc.AssignmentServiceStub(channel)
    organization = set_up(channel)
    created = create_assignment(assignments, organization)
    print("created", created.assignment.name, "once, asked for twice")

    email_export = email_export_service_pb2_grpc.EmailExportServiceStub(channel)
    if not may_export(email_export, organization, "p07@example.com", created.revision):
        sys.exit("p07@example.com may not be exported, though the assignment says EXPORT")
    print("p07@example.com may be exported")

    members = list(list_members(member_service_pb2_grpc.MemberServiceStub(channel), organization))
    if len(members) != PEOPLE:
        sys.exit(f"{len(members)} members were listed, not {PEOPLE}")
    print("listed", len(members), "members")

    deletion = assignment_service_pb2.DeleteAssignmentRequest(name=created.assignment.name, request_id=str(uuid4()))
    try:
        assignments.DeleteAssignment(deletion)
    except grpc.RpcError as error:
        info = error_info(error)
        if info is None or info.reason != "ASSIGNMENT_HAS_MEMBERS" or info.metadata["members"] != str(PEOPLE):
            raise
        print("refused:", info.domain, info.reason, dict(info.metadata))
    else:
        sys.exit("an assignment with members was deleted")


def connect(address: str) -> grpc.Channel:
    config = Path(__file__).parents[3] / "docs/service-config.json"
    return grpc.insecure_channel(address, options=[("grpc.service_config", config.read_text())])


def create_assignment(
    assignments: assignment_service_pb2_grpc.AssignmentServiceStub, organization: str
) -> assignment_service_pb2.CreateAssignmentResponse:
    request = assignment_service_pb2.CreateAssignmentRequest(
        parent=organization,
        assignment_id="sales",
        assignment=assignment_pb2.Assignment(
            display_name="Sales",
            groups=[f"{organization}/groups/sales"],
            update_mode=settings_pb2.UPDATE_MODE_AUTOMATIC_UPDATES,
            email_export=settings_pb2.EMAIL_EXPORT_EXPORT,
        ),
        request_id=str(uuid4()),  # one id for one change: send the same id with every retry
    )
    created = assignments.CreateAssignment(request)
    again = assignments.CreateAssignment(request)
    if created != again:
        sys.exit(f"the same request was answered with {created} and then with {again}")
    return created


def error_info(error: grpc.RpcError) -> ErrorInfo | None:
    status = rpc_status.from_call(error)
    info = ErrorInfo()
    for detail in status.details if status else []:
        if detail.Unpack(info):
            return info
    return None


def list_members(members: member_service_pb2_grpc.MemberServiceStub, organization: str) -> Iterator[member_pb2.Member]:
    request = member_service_pb2.ListMembersRequest(parent=organization, page_size=10)
    while True:
        page = members.ListMembers(request)
        yield from page.members
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def may_export(
    email_export: email_export_service_pb2_grpc.EmailExportServiceStub, organization: str, email: str, revision: str
) -> bool:
    question = email_export_service_pb2.CheckEmailExportRequest(
        parent=organization,
        email=email,
        at_least_revision=revision,  # the revision of the last write to include; empty for none
    )
    try:
        return email_export.CheckEmailExport(question).export
    except grpc.RpcError as error:
        print("not exported, because the check got no answer:", error, file=sys.stderr)
        return False


def set_up(channel: grpc.Channel) -> str:
    """Creates an organization with 25 people who are all in one group."""
    organizations = organization_service_pb2_grpc.OrganizationServiceStub(channel)
    request = organization_service_pb2.CreateOrganizationRequest(request_id=str(uuid4()))
    organization = organizations.CreateOrganization(request).organization.name
    members = [f"p{number:02}" for number in range(1, PEOPLE + 1)]
    rows = directory_service_pb2.SyncDirectoryRequest(
        parent=organization,
        mode=directory_service_pb2.SYNC_MODE_FULL,
        request_id=str(uuid4()),
        groups=[directory_service_pb2.DirectoryGroup(group="sales")],
        members=[
            directory_service_pb2.DirectoryMember(
                member=member, email=f"{member}@example.com", status=member_pb2.MEMBER_STATUS_ACTIVE
            )
            for member in members
        ],
        memberships=[directory_service_pb2.Membership(group="sales", member=member) for member in members],
    )
    directory_service_pb2_grpc.DirectoryServiceStub(channel).SyncDirectory(iter([rows]))
    return organization


if __name__ == "__main__":
    main()
