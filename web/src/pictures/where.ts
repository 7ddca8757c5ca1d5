// SPDX-License-Identifier: MIT
// Filters as conditions on fields, to and from the text of a `where`. What a text
// has beyond conditions joined by "and" is left to the raw field.
import type { Column } from "../base/api";

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "like" | "is null" | "is not null";

export interface Condition {
  field: string;
  operator: Operator;
  value: string;
}

export const words: Record<Operator, string> = {
  "=": "is",
  "!=": "is not",
  "<": "less than",
  "<=": "at most",
  ">": "more than",
  ">=": "at least",
  like: "has",
  "is null": "is missing",
  "is not null": "is there",
};

export function operatorsOf(type: string): Operator[] {
  if (type === "bool") return ["=", "is null", "is not null"];
  if (type === "str") return ["=", "!=", "like", "is null", "is not null"];
  return ["=", "!=", "<", "<=", ">", ">=", "is null", "is not null"];
}

const isNumber = (text: string) => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);

function quoted(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function literal(value: string, type: string): string {
  if (type === "bool" || ((type === "int" || type === "float") && isNumber(value))) return value;
  return `'${value.replaceAll("'", "''")}'`;
}

export function write(conditions: Condition[], columns: Column[]): string {
  return conditions
    .map((c) => {
      if (c.operator.startsWith("is ")) return `${quoted(c.field)} ${c.operator}`;
      const type = columns.find((column) => column.name === c.field)?.type ?? "str";
      const value = c.operator === "like" ? `'%${c.value.replaceAll("'", "''")}%'` : literal(c.value, type);
      return `${quoted(c.field)} ${c.operator} ${value}`;
    })
    .join(" and ");
}

const token =
  /\s*(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)'|([A-Za-z_][A-Za-z0-9_]*)|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(==|!=|<>|<=|>=|=|<|>))/y;

interface Token {
  kind: "name" | "quoted" | "text" | "number" | "sign";
  text: string;
}

function tokens(where: string): Token[] | null {
  const out: Token[] = [];
  token.lastIndex = 0;
  const all = where.trimEnd();
  while (token.lastIndex < all.length) {
    const m = token.exec(all);
    if (!m) return null;
    if (m[1] !== undefined) out.push({ kind: "quoted", text: m[1].replaceAll('""', '"') });
    else if (m[2] !== undefined) out.push({ kind: "text", text: m[2].replaceAll("''", "'") });
    else if (m[3] !== undefined) out.push({ kind: "name", text: m[3] });
    else if (m[4] !== undefined) out.push({ kind: "number", text: m[4] });
    else out.push({ kind: "sign", text: m[5] ?? "" });
  }
  return out;
}

/** The conditions of a text, or null if it has more than that. */
export function parse(where: string): Condition[] | null {
  const all = tokens(where);
  if (!all) return null;
  const out: Condition[] = [];
  const word = (i: number) => (all[i]?.kind === "name" ? all[i].text.toLowerCase() : "");
  let i = 0;
  while (i < all.length) {
    if (out.length && word(i++) !== "and") return null;
    const field = all[i++];
    if (!field || (field.kind !== "name" && field.kind !== "quoted")) return null;
    if (field.kind === "name" && field.text.toLowerCase() === "not") return null;
    if (word(i) === "is") {
      const not = word(i + 1) === "not";
      i += not ? 2 : 1;
      if (word(i++) !== "null") return null;
      out.push({ field: field.text, operator: not ? "is not null" : "is null", value: "" });
      continue;
    }
    const like = word(i) === "like";
    const sign = all[i++];
    const value = all[i++];
    if (!sign || !value || (!like && sign.kind !== "sign")) return null;
    const truth = value.kind === "name" && /^(true|false)$/i.test(value.text);
    if (value.kind !== "text" && value.kind !== "number" && !truth) return null;
    if (like) {
      const inner = /^%([^%_]*)%$/.exec(value.text)?.[1];
      if (inner === undefined) return null;
      out.push({ field: field.text, operator: "like", value: inner });
    } else {
      const sameAs: Record<string, Operator> = { "==": "=", "<>": "!=" };
      out.push({
        field: field.text,
        operator: sameAs[sign.text] ?? (sign.text as Operator),
        value: value.text,
      });
    }
  }
  return out;
}
