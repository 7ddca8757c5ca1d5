// SPDX-License-Identifier: MIT
// The small parts that pages are made of.
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { is } from "../base/api";
import { count } from "../base/format";
import { useEscape, useKeys } from "../base/keys";
import { Icon, type IconName } from "./icon";

interface ButtonProps {
  icon?: IconName;
  kind?: "main" | "plain" | "quiet";
  label?: string; // where there is an icon only
  shortcut?: string;
  pressed?: boolean;
  disabled?: boolean;
  submit?: boolean;
  class?: string;
  onClick?: (event: MouseEvent) => void;
  children?: ComponentChildren;
}

export function Button(p: ButtonProps) {
  const title = p.label ? p.label + (p.shortcut ? ` (${p.shortcut})` : "") : p.shortcut;
  return (
    <button
      type={p.submit ? "submit" : "button"}
      class={`button ${p.kind ?? "plain"} ${p.children ? "" : "only-icon"} ${p.class ?? ""}`}
      aria-label={p.label}
      aria-pressed={p.pressed}
      title={title}
      disabled={p.disabled}
      onClick={p.onClick}
    >
      {p.icon && <Icon name={p.icon} size={p.children ? 16 : 18} />}
      {p.children}
    </button>
  );
}

/** What happened, what to do, and the technical text one click away. */
export function Failure({ error, again }: { error: unknown; again?: (() => void) | undefined }) {
  const [copied, setCopied] = useState(false);
  const text = error instanceof Error ? error.message : String(error);
  const detail = is(error) ? error.detail : error instanceof Error ? (error.stack ?? text) : text;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(detail);
      setCopied(true);
    } catch {
      setCopied(false); // the text can be selected
    }
  };
  return (
    <div class="failure" role="alert">
      <p class="what">{text}</p>
      {is(error) && error.help && <p>{error.help}</p>}
      <div class="row">
        {again && (
          <Button kind="plain" onClick={again}>
            Try again
          </Button>
        )}
        <details>
          <summary>Details</summary>
          <pre tabIndex={0}>{detail}</pre>
          <Button kind="quiet" icon="copy" onClick={() => void copy()}>
            {copied ? "Copied" : "Copy"}
          </Button>
        </details>
      </div>
    </div>
  );
}

/** Nothing is here yet: says what to do next, with a button that does it. */
export function Empty(p: { icon: IconName; title: string; children?: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={p.icon} size={32} />
      <h2>{p.title}</h2>
      <p>{p.children}</p>
      {p.action}
    </div>
  );
}

export function Dialog(p: { title: string; close: () => void; children: ComponentChildren; wide?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEscape(true, p.close);
  useKeys([], true);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class={p.wide ? "wide" : ""}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        p.close();
      }}
      onClick={(event) => event.target === ref.current && p.close()}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{p.title}</h2>
          <Button kind="quiet" icon="close" label="Close" onClick={p.close} />
        </header>
        {p.children}
      </div>
    </dialog>
  );
}

/** A button under which something opens; a click elsewhere closes it. */
export function Pop(p: {
  button: ComponentChildren;
  label: string;
  class?: string;
  children: (close: () => void) => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    if (ref.current?.contains(document.activeElement)) trigger.current?.focus();
  };
  useEscape(open, close);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => !ref.current?.contains(event.target as Node) && setOpen(false);
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);
  return (
    <div class={`pop ${p.class ?? ""}`} ref={ref}>
      <button
        ref={trigger}
        type="button"
        class="button plain"
        aria-expanded={open}
        title={p.label}
        onClick={() => setOpen(!open)}
      >
        {p.button}
      </button>
      {open && <div class="pop-body">{p.children(close)}</div>}
    </div>
  );
}

export function Field(p: { label: string; hint?: ComponentChildren; children: (id: string) => JSX.Element }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{p.label}</label>
      {p.children(id)}
      {p.hint && <p class="hint">{p.hint}</p>}
    </div>
  );
}

export function Bar({ fraction, label }: { fraction: number; label: string }) {
  const percent = Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  return (
    <div class="bar" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}

/** first, previous, "a - b of total", next, last. total null: not known. */
export function Pager(p: { page: number; size: number; shown: number; total: number | null; to: (page: number) => void }) {
  const last = p.total === null ? null : Math.max(1, Math.ceil(p.total / p.size));
  const from = (p.page - 1) * p.size;
  const atEnd = last === null ? p.shown < p.size : p.page >= last;
  if (p.page === 1 && atEnd && p.shown <= p.size && (p.total ?? 0) <= p.size) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <Button kind="quiet" icon="first" label="First page" disabled={p.page <= 1} onClick={() => p.to(1)} />
      <Button kind="quiet" icon="left" label="Previous page" shortcut="[" disabled={p.page <= 1} onClick={() => p.to(p.page - 1)} />
      <span class="numbers">
        {p.shown ? `${count(from + 1)} \u2013 ${count(from + p.shown)}` : "0"}
        {p.total !== null && ` of ${count(p.total)}`}
      </span>
      <Button kind="quiet" icon="right" label="Next page" shortcut="]" disabled={atEnd} onClick={() => p.to(p.page + 1)} />
      <Button
        kind="quiet"
        icon="last"
        label="Last page"
        disabled={atEnd || last === null}
        onClick={() => last && p.to(last)}
      />
    </nav>
  );
}

/** The width of an element, as it changes. */
export function useWidth<T extends HTMLElement>(): [RefObject<T | null>, number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
