/** A report for people. */

import type { Report } from './types.ts'
import { bytes, percent, time } from './words.ts'

/** A report as plain text, a line for each thing, then what to change. */
export function reportText({ name, from, to, caches, fetches, others, slow, alerts, recommendations }: Report): string {
  const lines = [`${name}, ${time(to - from)}`]
  for (const { name, reads, hitRate, misses, evictions, entries, saved, tiers } of caches) {
    const why = Object.entries(misses).flatMap(([reason, count]) => (count > 0 ? [`${reason} ${count}`] : []))
    lines.push(
      `  cache ${name}: ${percent(hitRate)} of ${reads} reads; misses: ${why.join(', ') || 'none'}; ${entries} entries, ${evictions} evicted`,
    )
    if (saved.ms > 0) lines.push(`    saved ${saved.loads} loads, ${time(saved.ms)} of them`)
    for (const tier of tiers)
      lines.push(`    tier ${tier.name}: ${tier.hits} of ${tier.hits + tier.misses} found, ${bytes(tier.bytes)}, ${tier.errors} errors`)
  }
  for (const { name, requests, sent, retries, saved, failures, latency, circuits } of fetches) {
    const failed = Object.entries(failures).map(([code, count]) => `${code} ${count}`)
    lines.push(
      `  fetch ${name}: ${requests} requests, ${sent} sent, ${retries} of these retries; saved ${saved.requests} requests, ${bytes(saved.bytes)}`,
    )
    if (latency !== null) lines.push(`    p50 ${time(latency.p50 ?? 0)}, p95 ${time(latency.p95 ?? 0)}, p99 ${time(latency.p99 ?? 0)}`)
    if (failed.length > 0) lines.push(`    failures: ${failed.join(', ')}`)
    if (circuits.length > 0) lines.push(`    left alone: ${circuits.join(', ')}`)
  }
  for (const { name, kind, counts } of others)
    lines.push(
      `  ${kind} ${name}: ${Object.entries(counts)
        .map(([what, count]) => `${what} ${count}`)
        .join(', ')}`,
    )
  for (const { name, ms, detail } of slow.slice(0, 5)) lines.push(`  slow: ${name} ${time(ms)}${detail === undefined ? '' : ` ${detail}`}`)
  for (const { name, state, summary } of alerts) lines.push(`  alert ${name}: ${state}${summary === undefined ? '' : `, ${summary}`}`)
  lines.push(recommendations.length === 0 ? '  nothing to change' : '  to change:')
  for (const { severity, title, option, from, to, gain } of recommendations) {
    lines.push(
      `    ${severity}: ${title}`,
      `      ${option}${from === undefined ? '' : ` from ${from}`}${to === undefined ? '' : ` to ${to}`}: ${gain}`,
    )
  }
  return lines.join('\n')
}
