"""Draws the network of a scenario as SVG: springs between nodes, and a bar for a bus."""

import html
import math


def place(names, edges):
    """Positions that keep neighbours together and others apart; the same for the same network, whatever the run."""
    count = len(names)
    at = {n: [math.cos(2 * math.pi * i / count + 0.3), math.sin(2 * math.pi * i / count + 0.3)]
          for i, n in enumerate(names)}
    ideal = 1.0
    for step in range(600):
        heat = 0.12 * (1 - step / 600)
        push = {n: [0.0, 0.0] for n in names}
        for i, a in enumerate(names):
            for b in names[i + 1:]:
                dx, dy = at[a][0] - at[b][0], at[a][1] - at[b][1]
                far = math.hypot(dx, dy) or 0.01
                force = ideal * ideal / far / far
                for n, sign in ((a, 1), (b, -1)):
                    push[n][0] += sign * dx * force
                    push[n][1] += sign * dy * force
        for a, b in edges:
            dx, dy = at[a][0] - at[b][0], at[a][1] - at[b][1]
            far = math.hypot(dx, dy) or 0.01
            force = far / ideal
            for n, sign in ((a, -1), (b, 1)):
                push[n][0] += sign * dx * force
                push[n][1] += sign * dy * force
        for n in names:
            size = math.hypot(*push[n]) or 1
            for k in (0, 1):
                at[n][k] += push[n][k] / size * min(size, heat)
    return turn(names, at)


def turn(names, at):
    """Turns the drawing so that its long side lies flat, the first node at the left."""
    cx = sum(at[n][0] for n in names) / len(names)
    cy = sum(at[n][1] for n in names) / len(names)
    sxx = sum((at[n][0] - cx) ** 2 for n in names)
    syy = sum((at[n][1] - cy) ** 2 for n in names)
    sxy = sum((at[n][0] - cx) * (at[n][1] - cy) for n in names)
    angle = 0.5 * math.atan2(2 * sxy, sxx - syy)
    c, s = math.cos(angle), math.sin(angle)
    turned = {n: [(at[n][0] - cx) * c + (at[n][1] - cy) * s, -(at[n][0] - cx) * s + (at[n][1] - cy) * c] for n in names}
    if turned[names[0]][0] > 0:
        turned = {n: [-x, -y] for n, (x, y) in turned.items()}
    return turned


def label(link):
    """What a link is like, in few words."""
    words = [str(link[key]) for key in ("rate", "delay") if key in link]
    if "loss" in link:
        words.append(f"loss {link['loss']}")
    return ", ".join(words)


def ends_of(link):
    return [str(end).split(":", maxsplit=1)[0] for end in link["endpoints"]]


SHAPES = {
    "host": '<rect class="node" x="{x0:.0f}" y="{y0:.0f}" width="{w:.0f}" height="26" rx="5"/>',
    "router": '<rect class="node" x="{x0:.0f}" y="{y0:.0f}" width="{w:.0f}" height="26" rx="13"/>',
}


def node(name, kind, x, y):
    w = max(38, 7.2 * len(name) + 14)
    shape = SHAPES["router" if kind == "router" else "host"].format(x0=x - w / 2, y0=y - 13, w=w)
    under = "" if kind == "host" else f'<text class="small" x="{x:.0f}" y="{y + 26:.0f}">{kind}</text>'
    return f'{shape}<text x="{x:.0f}" y="{y + 4:.0f}">{html.escape(name)}</text>{under}'


def one_bus(nodes, link, title):
    """All nodes on one wire."""
    ends = ends_of(link)
    width, y = max(320, 110 * ((len(ends) + 1) // 2) + 80), 90
    out = [f'<line class="bus" x1="20" y1="{y}" x2="{width - 20}" y2="{y}"/>',
           f'<text class="small" x="{width / 2:.0f}" y="172">{html.escape(str(link.get("access", "csma-cd")))} '
           f'{html.escape(label(link))}</text>']
    for i, name in enumerate(ends):
        x = 60 + (width - 120) * i / (len(ends) - 1)
        to = y - 48 if i % 2 == 0 else y + 44
        out.append(f'<line x1="{x:.0f}" y1="{y}" x2="{x:.0f}" y2="{to}"/>')
        out.append(node(name, (nodes[name] or {}).get("kind", "host"), x, to))
    return svg(width, 182, out, title)


def svg(width, height, parts, title):
    return (f'<svg class="topology" viewBox="0 0 {width:.0f} {height:.0f}" style="max-width: {width:.0f}px" role="img" '
            f'aria-label="{html.escape(title, quote=True)}">' + "".join(parts) + "</svg>")


def draw(scenario, title):
    """SVG of a scenario that was read from its expanded YAML; None when there is nothing to draw."""
    nodes, links = scenario.get("nodes") or {}, scenario.get("links") or []
    if not links or len(nodes) > 60:
        return None
    if len(links) == 1 and links[0].get("kind") == "bus":
        return one_bus(nodes, links[0], title)
    names, edges, kinds = [], [], {}
    for name, what in nodes.items():
        names.append(name)
        kinds[name] = (what or {}).get("kind", "host")
    for i, link in enumerate(links):
        ends = ends_of(link)
        if link.get("kind") == "bus":
            hub = f"bus {i}"
            names.append(hub)
            kinds[hub] = "bus"
            edges += [(hub, end, {}) for end in ends]
        else:
            edges.append((ends[0], ends[1], link))
    at = place(names, [(a, b) for a, b, _ in edges])
    xs, ys = [p[0] for p in at.values()], [p[1] for p in at.values()]
    wide, high = max(xs) - min(xs) or 1, max(ys) - min(ys)
    scale = min(150, 620 / wide)
    width, height = wide * scale + 140, high * scale + 90
    spot = {n: ((p[0] - min(xs)) * scale + 70, (p[1] - min(ys)) * scale + 40) for n, p in at.items()}
    out, seen = [], {}
    for a, b, link in edges:
        (x1, y1), (x2, y2) = spot[a], spot[b]
        between = tuple(sorted((a, b)))
        bend = 24 * seen.get(between, 0)
        seen[between] = seen.get(between, 0) + 1
        mx, my = (x1 + x2) / 2, (y1 + y2) / 2 + bend
        out.append(f'<path d="M{x1:.0f},{y1:.0f} Q{mx:.0f},{my + bend:.0f} {x2:.0f},{y2:.0f}"/>')
        if label(link) and len(edges) <= 12:
            out.append(f'<text class="small" x="{mx:.0f}" y="{my - 6:.0f}">{html.escape(label(link))}</text>')
    for name in names:
        x, y = spot[name]
        out.append(f'<circle class="node" cx="{x:.0f}" cy="{y:.0f}" r="7"/>' if kinds[name] == "bus"
                   else node(name, kinds[name], x, y))
    return svg(width, height, out, title)
