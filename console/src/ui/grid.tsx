/**
 * A table of any number of rows, of which only the visible ones are in the document.
 *
 * Arrow keys move, Enter opens, and the space bar selects. The next page is loaded before its place is visible.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { FormattedMessage } from "react-intl";

const ROW = 44;
const HEADS = 44;
/** The next page is loaded when fewer rows than these follow the visible ones. */
const AHEAD = 60;

export interface Column<Row> {
  key: string;
  title: ReactNode;
  /** A track of a CSS grid, such as `2fr` or `8rem`. */
  width: string;
  cell(row: Row): ReactNode;
}

export interface GridProps<Row extends { id: string }> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  hasMore: boolean;
  isLoading: boolean;
  onMore(): void;
  onOpen?(row: Row): void;
  selected?: ReadonlySet<string>;
  onSelect?(row: Row): void;
  /** True for a short table inside a page. */
  isShort?: boolean;
}

export function Grid<Row extends { id: string }>(props: GridProps<Row>) {
  const { rows, columns, hasMore, isLoading, onMore, onOpen, onSelect, selected } = props;
  const box = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
    scrollPaddingStart: HEADS,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isLoading && last + AHEAD >= rows.length) onMore();
  }, [hasMore, isLoading, last, rows.length, onMore]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? ROW) / ROW) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    const row = rows[active];
    if (step !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, active + step));
      setActive(next);
      virtual.scrollToIndex(next);
    } else if (event.key === "Enter" && row) onOpen?.(row);
    else if (event.key === " " && row) onSelect?.(row);
    else return;
    event.preventDefault();
  };

  const template = { gridTemplateColumns: columns.map((column) => column.width).join(" ") };
  const current = rows[active];
  return (
    <div
      ref={box}
      className={props.isShort ? "grid short" : "grid"}
      role="grid"
      aria-label={props.label}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      aria-multiselectable={onSelect ? true : undefined}
      aria-activedescendant={current && items.some((item) => item.index === active) ? `row-${current.id}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className="heads">
        <div role="row" style={template} aria-rowindex={1}>
          {columns.map((column) => (
            <div role="columnheader" key={column.key}>
              {column.title}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="body" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div
              key={item.key}
              id={`row-${row.id}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={selected ? selected.has(row.id) : undefined}
              className={item.index === active ? "active" : undefined}
              style={{ ...template, transform: `translateY(${item.start}px)` }}
              onClick={() => setActive(item.index)}
              onDoubleClick={() => onOpen?.(row)}
            >
              {columns.map((column) => (
                <div role="gridcell" key={column.key}>
                  {column.cell(row)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
      {rows.length === 0 && (
        <div className="state" role="row">
          <span role="gridcell">
            <FormattedMessage id={isLoading ? "live.loading" : "rows.empty"} />
          </span>
        </div>
      )}
    </div>
  );
}
