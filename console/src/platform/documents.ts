/** The operations about the platform itself, for operators. */
import { graphql, type ResultOf } from "../graphql/documents";

export const PlatformQuery = graphql(`
  query Platform {
    platform {
      version
      position
      parts { name ready reason }
      projections {
        name generation version state position lagEvents lagSeconds parkedStreams skippedStreams
        pause { by reason since }
        building { generation stage share remainingSeconds requestedBy reason since }
        failure { generation reason at differences }
        parked(first: 20) { nodes { resourceId eventType version reason attempts lastAt waiting skippedBy } }
      }
    }
  }
`);

export type Projection = ResultOf<typeof PlatformQuery>["platform"]["projections"][number];

export const PauseProjection = graphql(`
  mutation PauseProjection($input: PauseProjectionInput!, $key: String!) {
    outcome: pauseProjection(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`);
export const ResumeProjection = graphql(`
  mutation ResumeProjection($input: ResumeProjectionInput!, $key: String!) {
    outcome: resumeProjection(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`);
export const RebuildProjection = graphql(`
  mutation RebuildProjection($input: RebuildProjectionInput!, $key: String!) {
    outcome: rebuildProjection(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`);
export const RetryParkedStream = graphql(`
  mutation RetryParkedStream($input: RetryParkedStreamInput!, $key: String!) {
    outcome: retryParkedStream(input: $input) @idempotent(key: $key) { applied parked userErrors { field message code } }
  }
`);
export const SkipParkedStream = graphql(`
  mutation SkipParkedStream($input: SkipParkedStreamInput!, $key: String!) {
    outcome: skipParkedStream(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`);

export const OverviewQuery = graphql(`
  query Overview {
    counts {
      dropletsByStatus { status count }
      jobsByStatus { status count }
      clustersByStatus { status count }
      dropletsByRegion { region count }
    }
  }
`);
