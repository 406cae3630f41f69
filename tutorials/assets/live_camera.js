// Live video, at the speed that the machine gives.

import { say } from "./words.js";

const WANTED = { video: { facingMode: "environment", width: { ideal: 480 }, height: { ideal: 360 } } };
const REPORT = 1000; // milliseconds between two reports of the rate
const FAULTS = {
  NotAllowedError: say("The camera was not allowed to this page."),
  NotReadableError: say("The camera cannot be read. Perhaps another program uses it."),
};

// Hands picture after picture to `use`, the next when the last is answered, and the rate to `report`.
// Gives {stop, stopped} at once, before the camera is allowed: a function, and a promise that fails with a sentence.
export function watchCamera(use, report) {
  let [watching, using, stream] = [true, false, null];

  async function watch() {
    stream = await open();
    try {
      if (!watching) return;
      const video = document.createElement("video");
      Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
      await video.play();
      for (let [count, since] = [0, performance.now()]; watching && stream.active; ) {
        const picture = await createImageBitmap(video);
        if (!watching) return picture.close();
        using = true; // whose errors are told, whatever comes meanwhile
        await use(picture);
        using = false;
        count += 1;
        const passed = performance.now() - since;
        if (passed > REPORT) {
          report((1000 * count) / passed);
          [count, since] = [0, performance.now()];
        }
      }
    } catch (error) {
      if (watching || using) throw error; // else it had not begun to play
    } finally {
      end();
    }
  }

  // At once: a camera behind a shutter may never begin to play.
  function end() {
    watching = false;
    stream?.getTracks().forEach((track) => track.stop());
  }

  return { stop: end, stopped: watch() };
}

async function open() {
  if (!navigator.mediaDevices) throw new Error(say("Browsers give a page the camera only over https."));
  try {
    return await navigator.mediaDevices.getUserMedia(WANTED);
  } catch (error) {
    throw new Error(FAULTS[error.name] ?? say("No camera was found."));
  }
}
