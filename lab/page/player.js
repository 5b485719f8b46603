/*
 * The player at the bottom: one moment of virtual time, which the network, the diagram, the curves and the windows show.
 * It walks along the readable scale of the diagram, so that crowds are slow and silence is short.
 */
(function (strata) {
    "use strict";

    const {app, byId, element} = strata;
    const STEPS = 10000, PIXELS_PER_SECOND = 90;
    const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 20, 100];

    class Player {
        constructor(sequence) {
            this.sequence = sequence;
            this.playing = false;
            byId("speed").replaceChildren(...SPEEDS.map((speed) =>
                element("option", {value: speed, selected: speed === 1}, "× " + speed)));
            byId("play").addEventListener("click", () => this.toggle());
            byId("step").addEventListener("click", () => this.step(1));
            byId("step-back").addEventListener("click", () => this.step(-1));
            byId("clock").addEventListener("input", (event) => {
                this.stop();
                app.set("time", this.scale().time(event.target.value / STEPS * this.scale().height));
            });
        }
        scale() {
            if (!this.sequence.arrows) // a live page that has heard nothing yet
                return strata.scaleOf({count: 0}, true);
            if (!this.kept || this.kept.arrows !== this.sequence.arrows)
                this.kept = {arrows: this.sequence.arrows, scale: strata.scaleOf(this.sequence.arrows, true)};
            return this.kept.scale;
        }
        toggle() {
            if (this.playing) {
                this.stop();
                return;
            }
            this.playing = true;
            byId("play").textContent = "❚❚ pause";
            byId("play").setAttribute("aria-pressed", "true");
            if (this.scale().y(app.time) >= this.scale().height)
                app.set("time", 0);
            this.place = this.scale().y(app.time);
            this.last = performance.now();
            requestAnimationFrame((now) => this.tick(now));
        }
        stop() {
            this.playing = false;
            byId("play").textContent = "▶ play";
            byId("play").setAttribute("aria-pressed", "false");
        }
        tick(now) {
            if (!this.playing)
                return;
            this.place += (now - this.last) / 1000 * PIXELS_PER_SECOND * Number(byId("speed").value);
            this.last = now;
            const scale = this.scale();
            app.set("time", scale.time(Math.min(this.place, scale.height)));
            if (this.place >= scale.height)
                this.stop();
            else
                requestAnimationFrame((next) => this.tick(next));
        }
        /** To the next moment at which something begins or ends. */
        step(by) {
            this.stop();
            const {times} = this.scale();
            let i = strata.lowerBound(times, app.time);
            if (by > 0 && times[i] === app.time)
                i++;
            if (by < 0)
                i--;
            if (i >= 0 && i < times.length)
                app.set("time", times[i]);
        }
        show() {
            const scale = this.scale();
            byId("clock").value = scale.height ? Math.round(scale.y(app.time) / scale.height * STEPS) : 0;
            byId("clock").setAttribute("aria-valuetext", strata.seconds(app.time) + " seconds");
            byId("clock-said").textContent = strata.seconds(app.time) + " s";
        }
    }

    strata.Player = Player;
})(globalThis.strata = globalThis.strata || {});
