// An example client of Rollcall, see docs/clients.md. It creates its own organization, and fails if a response is not
// as expected.
//
//     npm ci && npm run generate && npm run build && npm start localhost:50051

import { deepStrictEqual } from "node:assert";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

import { type Channel, ChannelCredentials, type Client, createChannel, createClientFactory } from "nice-grpc";
import { ErrorInfo, errorDetailsClientMiddleware, RichClientError } from "nice-grpc-error-details";

import {
  AssignmentServiceDefinition,
  type CreateAssignmentResponse,
} from "./gen/rollcall/v1/assignment_service.js";
import { DirectoryServiceDefinition, SyncMode } from "./gen/rollcall/v1/directory_service.js";
import { EmailExportServiceDefinition } from "./gen/rollcall/v1/email_export_service.js";
import { type Member, MemberStatus } from "./gen/rollcall/v1/member.js";
import { MemberServiceDefinition } from "./gen/rollcall/v1/member_service.js";
import { OrganizationServiceDefinition } from "./gen/rollcall/v1/organization_service.js";
import { EmailExport, UpdateMode } from "./gen/rollcall/v1/settings.js";

const PEOPLE = 25;
const clients = createClientFactory().use(errorDetailsClientMiddleware);

async function run(channel: Channel): Promise<void> {
  const assignments = clients.create(AssignmentServiceDefinition, channel);
  const organization = await setUp(channel);
  const created = await createAssignment(assignments, organization);
  const name = created.assignment!.name;
  console.log("created", name, "once, asked for twice");

  const emailExport = clients.create(EmailExportServiceDefinition, channel);
  if (!(await mayExport(emailExport, organization, "p07@example.com", created.revision))) {
    throw new Error("p07@example.com may not be exported, though the assignment says EXPORT");
  }
  console.log("p07@example.com may be exported");

  const members: Member[] = [];
  for await (const member of listMembers(clients.create(MemberServiceDefinition, channel), organization)) {
    members.push(member);
  }
  if (members.length !== PEOPLE) throw new Error(`${members.length} members were listed, not ${PEOPLE}`);
  console.log("listed", members.length, "members");

  try {
    await assignments.deleteAssignment({ name, requestId: randomUUID() });
  } catch (error) {
    const info = errorInfo(error);
    if (info?.reason !== "ASSIGNMENT_HAS_MEMBERS" || info.metadata.members !== String(PEOPLE)) throw error;
    console.log("refused:", info.domain, info.reason, info.metadata);
    return;
  }
  throw new Error("an assignment with members was deleted");
}

function connect(address: string): Channel {
  const config = readFileSync(new URL("../../../../docs/service-config.json", import.meta.url), "utf8");
  return createChannel(address, ChannelCredentials.createInsecure(), { "grpc.service_config": config });
}

async function createAssignment(
  assignments: Client<AssignmentServiceDefinition>,
  organization: string,
): Promise<CreateAssignmentResponse> {
  const request = {
    parent: organization,
    assignmentId: "sales",
    assignment: {
      displayName: "Sales",
      groups: [`${organization}/groups/sales`],
      updateMode: UpdateMode.UPDATE_MODE_AUTOMATIC_UPDATES,
      emailExport: EmailExport.EMAIL_EXPORT_EXPORT,
    },
    requestId: randomUUID(), // one id for one change: send the same id with every retry
  };
  const created = await assignments.createAssignment(request);
  const again = await assignments.createAssignment(request);
  deepStrictEqual(again, created, "the same request was answered in two ways");
  return created;
}

function errorInfo(error: unknown): ErrorInfo | undefined {
  const details = error instanceof RichClientError ? error.extra : [];
  return details.find((detail): detail is ErrorInfo & { $type: typeof ErrorInfo.$type } => {
    return detail.$type === ErrorInfo.$type;
  });
}

async function* listMembers(members: Client<MemberServiceDefinition>, organization: string): AsyncGenerator<Member> {
  let pageToken = "";
  do {
    const page = await members.listMembers({ parent: organization, pageSize: 10, pageToken });
    yield* page.members;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

async function mayExport(
  emailExport: Client<EmailExportServiceDefinition>,
  organization: string,
  email: string,
  revision: string,
): Promise<boolean> {
  try {
    const answer = await emailExport.checkEmailExport({
      parent: organization,
      email,
      atLeastRevision: revision, // the revision of the last write to include; empty for none
    });
    return answer.export;
  } catch (error) {
    console.error("not exported, because the check got no answer:", error);
    return false;
  }
}

/** Creates an organization with 25 people who are all in one group. */
async function setUp(channel: Channel): Promise<string> {
  const organizations = clients.create(OrganizationServiceDefinition, channel);
  const { organization } = await organizations.createOrganization({ requestId: randomUUID() });
  const members = Array.from({ length: PEOPLE }, (_, index) => `p${String(index + 1).padStart(2, "0")}`);
  const rows = {
    parent: organization!.name,
    mode: SyncMode.SYNC_MODE_FULL,
    requestId: randomUUID(),
    groups: [{ group: "sales" }],
    members: members.map((member) => {
      return { member, email: `${member}@example.com`, status: MemberStatus.MEMBER_STATUS_ACTIVE };
    }),
    memberships: members.map((member) => ({ group: "sales", member })),
  };
  async function* stream() {
    yield rows;
  }
  await clients.create(DirectoryServiceDefinition, channel).syncDirectory(stream());
  return organization!.name;
}

const [address] = process.argv.slice(2);
if (address === undefined) throw new Error("usage: npm start HOST:PORT");
const channel = connect(address);
try {
  await run(channel);
} finally {
  channel.close();
}
