/** The first page: counts, what needs attention, and what happened last. */
import type { ReactNode } from "react";
import { FormattedMessage, FormattedNumber } from "react-intl";
import { Link } from "react-router";

import { Timeline } from "../history/timeline";
import { send } from "../graphql/transport";
import { useQuery } from "../live/use";
import { OverviewQuery, PlatformQuery } from "../platform/documents";
import { Status } from "../ui/format";
import { Failure } from "../ui/parts";

const EVERY = 5_000;

/** A projection that is further behind, in seconds, needs attention. */
const LAG = 10;

export default function Overview() {
  const overview = useQuery("overview", () => send(OverviewQuery, {}), EVERY);
  const platform = useQuery("platform", () => send(PlatformQuery, {}), EVERY);
  const counts = overview.data?.counts;
  const failedDroplets = counts?.dropletsByStatus.find((one) => one.status === "FAILED")?.count ?? 0;
  const failedJobs = counts?.jobsByStatus.find((one) => one.status === "FAILED")?.count ?? 0;
  const attention: ReactNode[] = [];
  if (failedDroplets > 0) {
    attention.push(
      <Link to="/droplets?status=FAILED">
        <FormattedMessage id="overview.failedDroplets" values={{ count: failedDroplets }} />
      </Link>,
    );
  }
  if (failedJobs > 0) {
    attention.push(
      <Link to="/jobs?status=FAILED">
        <FormattedMessage id="overview.failedJobs" values={{ count: failedJobs }} />
      </Link>,
    );
  }
  for (const { name, parkedStreams, lagSeconds } of platform.data?.platform.projections ?? []) {
    const parked = Number(parkedStreams);
    if (parked > 0) {
      attention.push(
        <Link to="/platform">
          <FormattedMessage id="overview.parked" values={{ count: parked, projection: name }} />
        </Link>,
      );
    }
    if (lagSeconds > LAG) {
      attention.push(
        <Link to="/platform">
          <FormattedMessage id="overview.lag" values={{ projection: name, seconds: Math.round(lagSeconds) }} />
        </Link>,
      );
    }
  }
  return (
    <>
      <h1>
        <FormattedMessage id="nav.overview" />
      </h1>
      {overview.failure && <Failure of={overview.failure} onRetry={overview.reload} />}
      <section className="card">
        <h2>
          <FormattedMessage id="overview.attention" />
        </h2>
        {attention.length === 0 ? (
          <p className="quiet">
            <FormattedMessage id="overview.calm" />
          </p>
        ) : (
          <ul>
            {attention.map((one, index) => (
              <li key={index}>{one}</li>
            ))}
          </ul>
        )}
      </section>
      <Counts title="nav.droplets" to="/droplets" counts={counts?.dropletsByStatus} />
      <Counts title="nav.jobs" to="/jobs" counts={counts?.jobsByStatus} />
      <Counts title="nav.clusters" to="/clusters" counts={counts?.clustersByStatus} />
      <section className="card">
        <h2>
          <FormattedMessage id="overview.recent" />
        </h2>
        <Timeline atMost={10} />
      </section>
    </>
  );
}

function Counts({ title, to, counts }: { title: string; to: string; counts: readonly { status: string; count: number }[] | undefined }) {
  return (
    <section>
      <h2>
        <FormattedMessage id={title} />
      </h2>
      <div className="cards">
        {(counts ?? []).map(({ status, count }) => (
          <Link key={status} className="card plain" to={`${to}?status=${status}`}>
            <Status of={status} />
            <div className="figure">
              <FormattedNumber value={count} />
            </div>
          </Link>
        ))}
      </div>
    </section>
  );
}
