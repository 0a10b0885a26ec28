import{n as e}from"./rolldown-runtime-WkwZ5CU-.js";import{Vt as t,_ as n,a as r,i,l as a,p as o,r as s,s as c,u as l,v as u,y as d}from"./list-BMLnNZoi.js";import{h as f,p}from"./index-DskIfng4.js";import{n as m,r as h,t as g}from"./format-VOjZGKi2.js";import{t as _}from"./grid-CdOjYl_A.js";import{n as v}from"./mutate-DuRiXNSY.js";import{n as y,t as b}from"./order-C3eWpdgJ.js";var x=e(t(),1),S=r(`
  fragment JobState on Job {
    id kind status dropletId clusterLabel runner maxAttempts worker percent message reason version createdAt startedAt
    finishedAt updatedAt
  }
`),C=r(`
    query JobPage($filter: JobFilter, $after: String) {
      jobs(filter: $filter, first: 100, after: $after) {
        asOf
        pageInfo { endCursor hasNextPage }
        nodes { ...JobState }
      }
    }
  `,[S]),w=r(`
  subscription JobChanges($droplet: ID, $after: String!) {
    jobChanged(droplet: $droplet, after: $after, bookmarks: true) {
      cursor
      job {
        resourceId kind status dropletId clusterLabel runner maxAttempts worker percent message reason version createdAt
        startedAt finishedAt updatedAt
      }
    }
  }
`),T=r(`
    mutation CancelJob($input: CancelJobInput!, $key: String!) {
      outcome: cancelJob(input: $input) @idempotent(key: $key) { job { ...JobState } userErrors { field message code } }
    }
  `,[S]);function E(e){let t={...e.statuses.length>0&&{statuses:[...e.statuses]},...e.droplet&&{droplet:e.droplet}};return{async page(e){let{jobs:n}=await i(C,{filter:t,after:e}),{endCursor:r,hasNextPage:a}=n.pageInfo;return{rows:n.nodes,endCursor:r,hasMore:a,asOf:n.asOf}},watch:(t,n,r)=>D(e.droplet||null,t,n,r),has:t=>(e.statuses.length===0||e.statuses.includes(t.status))&&(!e.droplet||t.dropletId===e.droplet),compare:y(e=>b(e.createdAt),`DESCENDING`)}}async function*D(e,t,n,r){for await(let{jobChanged:i}of s(w,{droplet:e,after:t},n,r)){let e=null;if(i.job){let{resourceId:t,...n}=i.job;e={id:t,...n}}yield{cursor:i.cursor,row:e}}}var O=d();function k({query:e,isShort:t=!1}){let r=u(),i=p(JSON.stringify(e),()=>E(e)),[a,o]=(0,x.useState)(null),s=e=>(0,O.jsx)(n,{id:e}),d=[{key:`kind`,title:s(`job.kind`),width:`1.2fr`,cell:e=>e.kind},{key:`status`,title:s(`job.status`),width:`7rem`,cell:e=>(0,O.jsx)(m,{of:e.status})},{key:`progress`,title:s(`job.progress`),width:`10rem`,cell:e=>(0,O.jsx)(g,{percent:e.percent,label:r.formatMessage({id:`job.progress`})})},{key:`message`,title:s(`job.message`),width:`2fr`,cell:e=>e.reason??e.message},{key:`droplet`,title:s(`job.droplet`),width:`6rem`,cell:e=>e.dropletId&&(0,O.jsx)(f,{to:`/droplets/${e.dropletId}`,children:e.dropletId.slice(-8)})},{key:`created`,title:s(`job.created`),width:`8rem`,cell:e=>(0,O.jsx)(h,{at:e.createdAt})},{key:`cancel`,title:(0,O.jsx)(`span`,{className:`visually-hidden`,children:s(`job.cancel`)}),width:`6rem`,cell:e=>(e.status===`SUBMITTED`||e.status===`RUNNING`)&&(0,O.jsx)(c,{tone:`plain`,onPress:()=>o(e),children:(0,O.jsx)(n,{id:`job.cancel`})})}];return(0,O.jsxs)(O.Fragment,{children:[i.failure&&(0,O.jsx)(l,{of:i.failure,onRetry:i.retry}),(0,O.jsx)(_,{label:r.formatMessage({id:`nav.jobs`}),rows:i.rows,columns:d,hasMore:i.hasMore,isLoading:i.isLoading,onMore:i.more,isShort:t}),a&&(0,O.jsx)(A,{job:a,onClose:()=>o(null),onDone:i.written})]})}function A({job:e,onClose:t,onDone:r}){let i=u(),[s,d]=(0,x.useState)(``),f=v(T),p=async()=>{let n=await f.run({id:e.id,reason:s});n?.job&&(r(n.job),t())};return(0,O.jsxs)(a,{title:`${i.formatMessage({id:`job.cancel`})}: ${e.kind}`,isOpen:!0,onClose:t,children:[(0,O.jsx)(o,{label:i.formatMessage({id:`job.cancelReason`}),value:s,onChange:d,error:f.errorAt(`reason`),autoFocus:!0}),f.failure&&(0,O.jsx)(l,{of:f.failure}),f.errorsBeside([`reason`]).map(e=>(0,O.jsx)(`p`,{className:`error`,role:`alert`,children:e},e)),(0,O.jsxs)(`div`,{className:`row`,children:[(0,O.jsx)(c,{tone:`danger`,onPress:()=>void p(),isDisabled:f.isRunning,children:(0,O.jsx)(n,{id:`job.cancel`})}),(0,O.jsx)(c,{onPress:t,children:(0,O.jsx)(n,{id:`close`})})]})]})}export{k as t};