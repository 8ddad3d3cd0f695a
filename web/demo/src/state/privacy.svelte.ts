/** What others may learn of this device: the person's choice, kept in this browser. */

const KEY = 'callbox-demo-hides-address';

class Privacy {
  /** Calls go through the relay only, so that the other side does not learn where this device is. */
  hidesAddress = $state(localStorage.getItem(KEY) === 'yes');

  toggleAddress(): void {
    this.hidesAddress = !this.hidesAddress;
    localStorage.setItem(KEY, this.hidesAddress ? 'yes' : 'no');
  }
}

export const privacy = new Privacy();
