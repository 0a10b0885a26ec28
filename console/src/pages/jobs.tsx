/** The list of jobs, with their progress. */
import { FormattedMessage, useIntl } from "react-intl";

import type { JobStatus } from "../jobs/documents";
import { JobTable } from "../jobs/table";
import { useAddress } from "../ui/address";
import { Select } from "../ui/parts";

const STATUSES: readonly JobStatus[] = ["SUBMITTED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"];

export default function Jobs() {
  const intl = useIntl();
  const [get, set] = useAddress();
  const statuses = STATUSES.filter((status) => status === get("status"));
  return (
    <>
      <h1>
        <FormattedMessage id="nav.jobs" />
      </h1>
      <div className="row">
        <Select
          label={intl.formatMessage({ id: "job.status" })}
          value={get("status")}
          onChange={(status) => set({ status })}
          options={[
            { value: "", label: intl.formatMessage({ id: "all" }) },
            ...STATUSES.map((value) => ({ value, label: intl.formatMessage({ id: `status.${value}` }) })),
          ]}
        />
      </div>
      <JobTable query={{ statuses, droplet: get("droplet") }} />
    </>
  );
}
