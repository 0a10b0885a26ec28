/** The list of keys. */
import { FormattedMessage, useIntl } from "react-intl";

import { Dialog } from "./parts";

const KEYS: readonly [string, string][] = [
  ["Ctrl K", "help.palette"],
  ["/", "help.search"],
  ["?", "help.help"],
  ["↑ ↓", "help.move"],
  ["Enter", "help.open"],
  ["Space", "help.select"],
];

export function Keys({ isOpen, onClose }: { isOpen: boolean; onClose(): void }) {
  const intl = useIntl();
  return (
    <Dialog title={intl.formatMessage({ id: "help.title" })} isOpen={isOpen} onClose={onClose}>
      <dl className="facts">
        {KEYS.map(([key, id]) => (
          <div key={key} style={{ display: "contents" }}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>
              <FormattedMessage id={id} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
