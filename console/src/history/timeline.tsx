/** The lines of activity of one resource or of all, newest first. */
import { FormattedMessage } from "react-intl";
import { Link } from "react-router";

import { send } from "../graphql/transport";
import { usePages } from "../live/pages";
import { Time } from "../ui/format";
import { Button, Failure } from "../ui/parts";
import { ActivityPage, type ActivityLine } from "./documents";

export interface TimelineProps {
  resource?: string;
  actor?: string;
  /** The number of lines, if the list is not to be continued. */
  atMost?: number;
  /** Grows with each change, so that new lines are read. */
  version?: string;
}

export function Timeline({ resource = "", actor = "", atMost, version = "" }: TimelineProps) {
  const filter = { ...(resource && { resource }), ...(actor && { actor }) };
  const pages = usePages(
    `${resource} ${actor} ${version}`,
    async (after) => {
      const { activity } = await send(ActivityPage, { filter, after });
      const { endCursor, hasNextPage } = activity.pageInfo;
      return { rows: activity.nodes, next: hasNextPage ? endCursor : null };
    },
    5_000,
  );
  const lines = atMost === undefined ? pages.rows : pages.rows.slice(0, atMost);
  if (pages.failure) return <Failure of={pages.failure} onRetry={pages.reload} />;
  return (
    <>
      <ul className="timeline">
        {lines.map((line) => (
          <Line key={line.position} line={line} />
        ))}
      </ul>
      {lines.length === 0 && (
        <p className="state">
          <FormattedMessage id={pages.isLoading ? "live.loading" : "rows.empty"} />
        </p>
      )}
      {atMost === undefined && pages.hasMore && (
        <Button onPress={pages.more} isDisabled={pages.isLoading}>
          <FormattedMessage id="rows.more" />
        </Button>
      )}
    </>
  );
}

function Line({ line }: { line: ActivityLine }) {
  const to = line.resourceType === "DROPLET" ? `/droplets/${line.resourceId}` : `/history?resource=${line.resourceId}`;
  return (
    <li>
      <span className="quiet">
        <Time at={line.occurredAt} />
      </span>
      <span>
        <Link to={to}>{line.summary}</Link>
      </span>
      <span className="quiet">{line.actor}</span>
    </li>
  );
}
