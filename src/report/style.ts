/** The report's style: one column, light or dark as the reader's system is. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#f5f6f4, #14181a);
  --card: light-dark(#ffffff, #1e2427);
  --ink: light-dark(#1a2226, #e6ebe9);
  --soft: light-dark(#5d6b70, #93a1a3);
  --line: light-dark(#dce1de, #313a3e);
  --right: light-dark(#0a7d5a, #3ecf9f);
  --wrong: light-dark(#b3261e, #ff8a80);
  --line0: light-dark(#0a7d5a, #3ecf9f);
  --line1: light-dark(#c2570c, #f5a35c);
  --line2: light-dark(#2563a8, #79b4f2);
  --line3: light-dark(#8e3a9d, #d99be4);
  --line4: light-dark(#8a6d00, #d9bd4a);
  --line5: light-dark(#5d6b70, #93a1a3);
}
* { box-sizing: border-box; }
html:lang(en) span[lang="es"], html:lang(es) span[lang="en"] { display: none; }
body { margin: 0 auto; max-width: 76rem; padding: 1.2rem; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; color: var(--right); }
h2 { margin: 2rem 0 0.6rem; font-size: 1.15rem; }
p { margin: 0.3rem 0 0.8rem; color: var(--soft); max-width: 48rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0.7rem; padding: 0; margin: 1rem 0; }
.figures div, figure { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.figures div { padding: 0.6rem 0.8rem; }
.figures dt { color: var(--soft); font-size: 0.85rem; }
.figures dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; background: var(--card); }
th, td { padding: 0.3rem 0.7rem; border: 1px solid var(--line); text-align: right; font-weight: normal; }
th[scope="row"] { text-align: left; }
thead th { color: var(--soft); }
.confusion td { min-width: 3.2rem; text-align: center; }
.confusion .right { background: color-mix(in srgb, var(--right) var(--heat), transparent); }
.confusion .wrong { background: color-mix(in srgb, var(--wrong) var(--heat), transparent); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0.8rem; }
figure { margin: 0; padding: 0.6rem; overflow-wrap: anywhere; }
figure img, figure svg { display: block; width: 100%; }
figure img { height: 14rem; object-fit: contain; background: var(--paper); }
figcaption { margin-top: 0.4rem; font-size: 0.88rem; }
figcaption small { color: var(--soft); display: block; }
.history { grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.history figcaption { margin: 0 0 0.3rem; }
svg .line { fill: none; stroke: var(--at); stroke-width: 2; stroke-linejoin: round; }
svg circle.mark { fill: var(--line0); }
.colour0 { --at: var(--line0); }
.colour1 { --at: var(--line1); }
.colour2 { --at: var(--line2); }
.colour3 { --at: var(--line3); }
.colour4 { --at: var(--line4); }
.colour5 { --at: var(--line5); }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; font-size: 0.85rem; }
.legend > span::before { content: ""; display: inline-block; width: 0.8rem; height: 0.2rem; margin-right: 0.35rem; vertical-align: middle; background: var(--at); }
svg text { fill: var(--soft); font-size: 10px; }
svg .left { text-anchor: end; dominant-baseline: middle; }
svg .below { text-anchor: middle; }
svg .grid { stroke: var(--line); fill: none; }
svg .area { fill: color-mix(in srgb, var(--right) 14%, transparent); }
svg .curve { fill: none; stroke: var(--right); stroke-width: 2; stroke-linejoin: round; }
svg circle { fill: var(--wrong); stroke: var(--card); stroke-width: 1.5; }
`;
