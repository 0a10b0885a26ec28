/** Queries of the history: events and lines of activity. */
import { graphql, type ResultOf } from "../graphql/documents";

export const EventPage = graphql(`
  query EventPage($filter: EventFilter, $before: String) {
    events(filter: $filter, last: 50, before: $before) {
      asOf
      pageInfo { startCursor hasPreviousPage }
      nodes {
        id position typeName schemaVersion resourceType resourceId version data actor source commandId correlationId
        causationId occurredAt recordedAt
      }
    }
  }
`);

export type HistoryEvent = ResultOf<typeof EventPage>["events"]["nodes"][number];

export const ActivityPage = graphql(`
  query ActivityPage($filter: ActivityFilter, $after: String) {
    activity(filter: $filter, first: 50, after: $after) {
      asOf
      pageInfo { endCursor hasNextPage }
      nodes { position kindName resourceType resourceId resourceName actor summary occurredAt }
    }
  }
`);

export type ActivityLine = ResultOf<typeof ActivityPage>["activity"]["nodes"][number];
