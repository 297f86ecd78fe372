/** What `import … from 'shelflife/admin'` offers: what a monitor knows over HTTP, and the dashboard. */

export { createAdminHandler } from './admin/handler.ts'
export { type NodeRequest, type NodeResponse, toNodeListener, type WebHandler } from './admin/node.ts'
export type { AdminBatchContext, AdminCache, AdminErrorCode, AdminHandler, AdminOptions } from './admin/types.ts'
