/** How a machine is captured, for remediations. */
export const CAPTURE =
  'Let Sigil create and delete the snapshots, if its operator has set SIGIL_CAPTURE_RESOURCE_GROUPS: deallocate the machine, and add "capture": "snapshots" under sigil (sigil image-version create --capture snapshots).';
