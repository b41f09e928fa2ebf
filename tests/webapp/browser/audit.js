const problems = [];
const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
};
const over = (top, below) => {
    const mix = (name) => top[name] * top.a + below[name] * (1 - top.a);
    return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
};
const chain = (node) => (node ? [node, ...chain(node.parentElement)] : []);
const background = (node) => chain(node).map((each) => parse(getComputedStyle(each).backgroundColor))
    .reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
const light = ({ r, g, b }) => [r, g, b].map((each) => each / 255)
    .map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
const contrast = (node) => {
    const behind = background(node);
    const opacity = chain(node).reduce((product, each) => product * getComputedStyle(each).opacity, 1);
    const color = parse(getComputedStyle(node).color);
    const [high, low] = [light(over({ ...color, a: color.a * opacity }, behind)), light(behind)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
};
const isShown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
const name = (node) => (node.getAttribute("aria-label") || [...(node.labels || [])].map((each) => each.textContent).join(" ")
    || node.textContent || node.title).trim();
const CONTROLS = "button, a[href], input, select, textarea, summary";
const shown = [...document.querySelectorAll("body *")].filter((node) => isShown(node) && !node.closest("svg, option"));
for (const node of shown) {
    const text = [...node.childNodes].filter((each) => each.nodeType === 3).map((each) => each.data.trim()).join(" ").trim();
    // what cannot be pressed now may be pale
    if (text && !node.closest(":disabled:not(.option)") && contrast(node) < 4.5) problems.push(`contrast ${contrast(node).toFixed(1)}: ${text.slice(0, 40)}`);
    if (node.matches(CONTROLS)) {
        const { width, height } = node.getBoundingClientRect();
        if (!name(node)) problems.push(`no name: ${node.outerHTML.slice(0, 120)}`);
        if (node.matches("button, select") && Math.min(width, height) < 24) problems.push(`small: ${name(node)} ${width} × ${height}`);
    }
    if (node.matches("img") && !node.alt) problems.push(`no text: ${node.src}`);
}
const isFloating = (node) => chain(node).some((each) => ["fixed", "sticky"].includes(getComputedStyle(each).position));
const controls = shown.filter((node) => node.matches(CONTROLS) && !isFloating(node));
for (const one of controls) for (const other of controls) {
    if (one === other || one.contains(other) || other.contains(one)) continue;
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > 1) problems.push(`${name(one)} lies over ${name(other)}`);
}
const wide = document.documentElement.scrollWidth - innerWidth;
if (wide > 0) problems.push(`${wide} pixels wider than the screen`);
return [...new Set(problems)];
