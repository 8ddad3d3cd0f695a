// `node sign.mjs ticket ann` signs with every example whose language is on this machine, for the app of
// CALLBOX_APP_KEY and CALLBOX_APP_SECRET. A line of JSON for each: {"language": …, "credential": … or null}.
import { forEachLanguage } from './languages.mjs';

await forEachLanguage({}, async (language, example) => {
  const credential = example ? await example.command(...process.argv.slice(2)) : null;
  console.log(JSON.stringify({ language, credential }));
});
