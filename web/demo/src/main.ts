/** Starts the demo: one client of the SDK for this tab, and the app on top of it. */
import { CallboxClient, browserSessionStore } from '@callbox/sdk';
import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';
import { allowSound } from './lib/ring.js';
import { Session } from './state/session.svelte.js';

const appKey =
  document.querySelector<HTMLMetaElement>('meta[name="callbox-app-key"]')?.content ?? '';
const target = document.getElementById('app');
if (!target) throw new Error('index.html has no element #app');

// A session in sessionStorage belongs to one tab: two tabs can be two people, and a reload stays signed in.
const client = new CallboxClient({
  appKey,
  sessionStore: browserSessionStore('sessionStorage', 'callbox-demo'),
  // What was seen and what waits to be sent is there after a reload too, with or without a network, until one signs out.
  localStore: 'indexedDB',
});

allowSound();
mount(App, { target, props: { client, session: new Session(client) } });
