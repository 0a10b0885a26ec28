/** Texts, times and statuses as people read them. */
import { useEffect, useState } from "react";
import { FormattedMessage, useIntl } from "react-intl";

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** A time relative to now, with the exact one on hover. */
export function Time({ at }: { at: string }) {
  const intl = useIntl();
  const now = useNow();
  const seconds = (Date.parse(at) - now) / 1_000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  const exact = intl.formatDate(at, { dateStyle: "medium", timeStyle: "long" });
  return (
    <time dateTime={at} title={exact}>
      {intl.formatRelativeTime(Math.round(seconds / size), unit, { numeric: "auto" })}
    </time>
  );
}

let clock = Date.now();
const clockListeners = new Set<() => void>();
setInterval(() => {
  clock = Date.now();
  for (const listener of clockListeners) listener();
}, 10_000);

function useNow(): number {
  const [now, setNow] = useState(clock);
  useEffect(() => {
    const listener = () => setNow(clock);
    clockListeners.add(listener);
    return () => void clockListeners.delete(listener);
  }, []);
  return Math.max(now, clock);
}

const TONES: Record<string, "good" | "bad" | "wait" | "off"> = {
  ACTIVE: "good",
  SUCCEEDED: "good",
  FOLLOWING: "good",
  FAILED: "bad",
  OTHER_VERSION: "bad",
  REQUESTED: "wait",
  DELETING: "wait",
  SUBMITTED: "wait",
  RUNNING: "wait",
  PAUSED: "wait",
  MAINTENANCE: "wait",
  DELETED: "off",
  CANCELLED: "off",
};

/** A status by word and colour. */
export function Status({ of }: { of: string }) {
  return (
    <span className={`badge ${TONES[of] ?? "off"}`}>
      <FormattedMessage id={`status.${of}`} defaultMessage={of} />
    </span>
  );
}

/** The progress of a job in percent. */
export function Progress({ percent, label }: { percent: number; label: string }) {
  return (
    <div className="bar-of-progress" role="progressbar" aria-label={label} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
      <div className="track">
        <div className="fill" style={{ width: `${percent}%` }} />
      </div>
      <span className="quiet">{percent} %</span>
    </div>
  );
}

/** Money in millionths of a dollar. */
export function useMoney(): (micros: string) => string {
  const intl = useIntl();
  return (micros) => intl.formatNumber(Number(micros) / 1_000_000, { style: "currency", currency: "USD" });
}
