// An example client of Rollcall, see docs/clients.md. It creates its own organization, and fails if a response is not
// as expected.
//
//	buf generate ../../../proto && go run . localhost:50051
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "rollcall.example/client/gen/rollcall/v1"
)

const people = 25

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . HOST:PORT")
	}
	channel, err := connect(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	if err := run(context.Background(), channel); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, channel *grpc.ClientConn) error {
	assignments := pb.NewAssignmentServiceClient(channel)
	organization, err := setUp(ctx, channel)
	if err != nil {
		return err
	}
	created, err := createAssignment(ctx, assignments, organization)
	if err != nil {
		return err
	}
	fmt.Println("created", created.GetAssignment().GetName(), "once, asked for twice")

	if !mayExport(ctx, pb.NewEmailExportServiceClient(channel), organization, "p07@example.com", created.GetRevision()) {
		return errors.New("p07@example.com may not be exported, though the assignment says EXPORT")
	}
	fmt.Println("p07@example.com may be exported")

	members, err := listMembers(ctx, pb.NewMemberServiceClient(channel), organization)
	if err != nil {
		return err
	}
	if len(members) != people {
		return fmt.Errorf("%d members were listed, not %d", len(members), people)
	}
	fmt.Println("listed", len(members), "members")

	deletion := &pb.DeleteAssignmentRequest{Name: created.GetAssignment().GetName(), RequestId: uuid.NewString()}
	_, err = assignments.DeleteAssignment(ctx, deletion)
	info := errorInfo(err)
	if info.GetReason() != "ASSIGNMENT_HAS_MEMBERS" || info.GetMetadata()["members"] != fmt.Sprint(people) {
		return fmt.Errorf("the deletion was not refused because of the members: %w", err)
	}
	fmt.Println("refused:", info.GetDomain(), info.GetReason(), info.GetMetadata())
	return nil
}

func connect(address string) (*grpc.ClientConn, error) {
	config, err := os.ReadFile("../../../docs/service-config.json")
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(string(config)))
}

func createAssignment(
	ctx context.Context, assignments pb.AssignmentServiceClient, organization string,
) (*pb.CreateAssignmentResponse, error) {
	request := &pb.CreateAssignmentRequest{
		Parent:       organization,
		AssignmentId: "sales",
		Assignment: &pb.Assignment{
			DisplayName: "Sales",
			Groups:      []string{organization + "/groups/sales"},
			UpdateMode:  pb.UpdateMode_UPDATE_MODE_AUTOMATIC_UPDATES,
			EmailExport: pb.EmailExport_EMAIL_EXPORT_EXPORT,
		},
		RequestId: uuid.NewString(), // one id for one change: send the same id with every retry
	}
	created, err := assignments.CreateAssignment(ctx, request)
	if err != nil {
		return nil, err
	}
	again, err := assignments.CreateAssignment(ctx, request)
	if err != nil {
		return nil, err
	}
	if !proto.Equal(created, again) {
		return nil, fmt.Errorf("the same request was answered with %v and then with %v", created, again)
	}
	return created, nil
}

func errorInfo(err error) *errdetails.ErrorInfo {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

func listMembers(ctx context.Context, members pb.MemberServiceClient, organization string) ([]*pb.Member, error) {
	var all []*pb.Member
	request := &pb.ListMembersRequest{Parent: organization, PageSize: 10}
	for {
		page, err := members.ListMembers(ctx, request)
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetMembers()...)
		request.PageToken = page.GetNextPageToken()
		if request.PageToken == "" {
			return all, nil
		}
	}
}

func mayExport(
	ctx context.Context, emailExport pb.EmailExportServiceClient, organization, email, revision string,
) bool {
	answer, err := emailExport.CheckEmailExport(ctx, &pb.CheckEmailExportRequest{
		Parent:          organization,
		Subject:         &pb.CheckEmailExportRequest_Email{Email: email},
		AtLeastRevision: revision, // the revision of the last write to include; empty for none
	})
	if err != nil {
		log.Println("not exported, because the check got no answer:", err)
		return false
	}
	return answer.GetExport()
}

// setUp creates an organization with 25 people who are all in one group.
func setUp(ctx context.Context, channel *grpc.ClientConn) (string, error) {
	request := &pb.CreateOrganizationRequest{RequestId: uuid.NewString()}
	created, err := pb.NewOrganizationServiceClient(channel).CreateOrganization(ctx, request)
	if err != nil {
		return "", err
	}
	rows := &pb.SyncDirectoryRequest{
		Parent:    created.GetOrganization().GetName(),
		Mode:      pb.SyncMode_SYNC_MODE_FULL,
		RequestId: uuid.NewString(),
		Groups:    []*pb.DirectoryGroup{{Group: "sales"}},
	}
	for number := range people {
		member := fmt.Sprintf("p%02d", number+1)
		rows.Members = append(rows.Members, &pb.DirectoryMember{
			Member: member, Email: member + "@example.com", Status: pb.MemberStatus_MEMBER_STATUS_ACTIVE,
		})
		rows.Memberships = append(rows.Memberships, &pb.Membership{Group: "sales", Member: member})
	}
	stream, err := pb.NewDirectoryServiceClient(channel).SyncDirectory(ctx)
	if err != nil {
		return "", err
	}
	if err := stream.Send(rows); err != nil {
		return "", err
	}
	_, err = stream.CloseAndRecv()
	return rows.GetParent(), err
}
