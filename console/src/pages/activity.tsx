/** What happened, for people. */
import { FormattedMessage, useIntl } from "react-intl";

import { Timeline } from "../history/timeline";
import { useAddress } from "../ui/address";
import { TextField } from "../ui/parts";

export default function Activity() {
  const intl = useIntl();
  const [get, set] = useAddress();
  return (
    <>
      <h1>
        <FormattedMessage id="nav.activity" />
      </h1>
      <div className="row">
        <TextField id="search" type="search" label={intl.formatMessage({ id: "history.actor" })} value={get("actor")} onChange={(actor) => set({ actor })} />
        <TextField label={intl.formatMessage({ id: "history.resource" })} value={get("resource")} onChange={(resource) => set({ resource })} />
      </div>
      <div className="card">
        <Timeline actor={get("actor")} resource={get("resource")} />
      </div>
    </>
  );
}
